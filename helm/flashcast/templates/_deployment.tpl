{{/* Parts of the Deployments of ingest and edge. */}}

{{- define "flashcast.deploymentHead" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "flashcast.componentName" . }}
  labels:
    {{- include "flashcast.labels" . | nindent 4 }}
  {{- with .values.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "flashcast.rollout" -}}
revisionHistoryLimit: {{ .values.revisionHistoryLimit }}
minReadySeconds: {{ .values.minReadySeconds }}
strategy:
  type: RollingUpdate
  rollingUpdate:
    {{- toYaml .values.strategy | nindent 4 }}
selector:
  matchLabels:
    {{- include "flashcast.selectorLabels" . | nindent 4 }}
{{- end -}}

{{/* Everything of the container that both programs have: its file of settings is the only argument beside the program. */}}
{{- define "flashcast.container" -}}
image: {{ include "flashcast.ownImage" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args:
  - {{ .component }}
  - --config=/etc/flashcast/config.yaml
  {{- with .values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{ include "flashcast.probes" . }}
resources:
  {{- toYaml .values.resources | nindent 2 }}
securityContext:
  {{- toYaml .root.Values.containerSecurityContext | nindent 2 }}
{{- end -}}

{{- define "flashcast.configVolume" -}}
- name: config
  configMap:
    name: {{ include "flashcast.componentName" . }}
{{- end -}}
