{{/* What the pods of all components have in common. */}}

{{/* Pod fields that say who a pod is: a name without rights, and no variables of every Service in its environment. */}}
{{- define "flashcast.podIdentity" -}}
serviceAccountName: {{ include "flashcast.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The nodes that pods may run on. */}}
{{- define "flashcast.placement" -}}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Where pods run. Soft by default: a cluster of one node, or with a zone down, still gets all of them. */}}
{{- define "flashcast.scheduling" -}}
{{- $labels := include "flashcast.selectorLabels" . -}}
{{- with .values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- include "flashcast.placement" . }}
{{- if .values.affinity }}
affinity:
  {{- toYaml .values.affinity | nindent 2 }}
{{- else if eq .values.podAntiAffinity "hard" }}
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- $labels | nindent 12 }}
{{- else if eq .values.podAntiAffinity "soft" }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- $labels | nindent 14 }}
{{- end }}
topologySpreadConstraints:
  {{- if .values.topologySpreadConstraints }}
  {{- range .values.topologySpreadConstraints }}
  - {{- toYaml (merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" (fromYaml $labels)))) | nindent 4 }}
  {{- end }}
  {{- else }}
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $labels | nindent 8 }}
    # Pods of one rollout are spread among themselves, not against those that they replace.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
  {{- end }}
{{- end -}}

{{/* Probes of ingest and edge. /livez: the event loop turns. /readyz: may have clients; it fails from the first moment of a drain. */}}
{{- define "flashcast.probes" -}}
startupProbe:
  httpGet: { path: /livez, port: metrics }
  {{- toYaml .values.startupProbe | nindent 2 }}
livenessProbe:
  httpGet: { path: /livez, port: metrics }
  {{- toYaml .values.livenessProbe | nindent 2 }}
readinessProbe:
  httpGet: { path: /readyz, port: metrics }
  {{- toYaml .values.readinessProbe | nindent 2 }}
{{- end -}}

{{/* A ServiceAccount has no token: nothing here talks to the Kubernetes API. */}}
{{- define "flashcast.serviceAccount" -}}
{{- if .values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "flashcast.serviceAccountName" . }}
  labels:
    {{- include "flashcast.labels" . | nindent 4 }}
  {{- with .values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}
{{- end -}}

{{/* Headless, and with the pods that are not ready: a scraper wants each pod, and one that drains or waits for Redis above all. */}}
{{- define "flashcast.metricsService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "flashcast.componentName" . }}-metrics
  labels:
    {{- include "flashcast.labels" . | nindent 4 }}
    flashcast/service: metrics
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  {{- with .root.Values.ipFamilyPolicy }}
  ipFamilyPolicy: {{ . }}
  {{- end }}
  selector:
    {{- include "flashcast.selectorLabels" . | nindent 4 }}
  ports:
    - name: metrics
      port: 9000
      targetPort: metrics
      protocol: TCP
{{- end -}}

{{/*
`maxUnavailable` and never `minAvailable`: it lets a drain of a node go on with a single replica too. A pod that is not ready
serves nobody, so it may go whatever the budget says.
*/}}
{{- define "flashcast.podDisruptionBudget" -}}
{{- if .values.podDisruptionBudget.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "flashcast.componentName" . }}
  labels:
    {{- include "flashcast.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .values.podDisruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "flashcast.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end -}}
