{{/* Parts of the NetworkPolicies. Each policy names both directions, so that what it does not allow is refused. */}}

{{- define "flashcast.networkPolicyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "flashcast.componentName" . }}
  labels:
    {{- include "flashcast.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "flashcast.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end -}}

{{/* A component of this release as a peer. */}}
{{- define "flashcast.peer" -}}
- podSelector:
    matchLabels:
      {{- include "flashcast.selectorLabels" . | nindent 6 }}
{{- end -}}

{{- define "flashcast.metricsIngress" -}}
- ports:
    - { port: 9000, protocol: TCP }
  from:
    {{- toYaml .Values.networkPolicy.metricsFrom | nindent 4 }}
{{- end -}}

{{- define "flashcast.dnsEgress" -}}
- ports:
    {{- range .Values.networkPolicy.dnsPorts }}
    - { port: {{ . }}, protocol: UDP }
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  {{- with .Values.networkPolicy.dnsTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "flashcast.redisEgress" -}}
{{- if .Values.redis.enabled -}}
- ports:
    - { port: 6379, protocol: TCP }
  to:
    {{- include "flashcast.peer" (dict "root" . "component" "redis") | nindent 4 }}
{{- else -}}
- ports:
    {{- range .Values.networkPolicy.redisPorts }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  {{- with .Values.networkPolicy.redisTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}
