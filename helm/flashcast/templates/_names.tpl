{{/* Names, labels and images. A context is either the root, or (dict "root" $ "component" "edge" "values" .Values.edge). */}}

{{- define "flashcast.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 45 | trimSuffix "-" -}}
{{- end -}}

{{/* First part of every object's name. 45 characters leave room for the longest ending within the 63 of a DNS label. */}}
{{- define "flashcast.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else if contains (include "flashcast.name" .) .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "flashcast.name" .) | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Name of a component's objects. */}}
{{- define "flashcast.componentName" -}}
{{- printf "%s-%s" (include "flashcast.fullname" .root) .component -}}
{{- end -}}

{{/* What selects a component's pods. A Deployment's selector cannot be changed: nothing that an upgrade may change stands here. */}}
{{- define "flashcast.selectorLabels" -}}
app.kubernetes.io/name: {{ include "flashcast.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "flashcast.labels" -}}
{{- $own := fromYaml (include "flashcast.selectorLabels" .) -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "flashcast" -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $_ := set $own "app.kubernetes.io/version" (.root.Chart.AppVersion | toString) -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") -}}
{{- toYaml (merge $own (deepCopy .root.Values.commonLabels)) -}}
{{- end -}}

{{/* Labels of pods: without the chart's version, so that a new chart alone does not restart them. */}}
{{- define "flashcast.podLabels" -}}
{{- $own := fromYaml (include "flashcast.selectorLabels" .) -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "flashcast" -}}
{{- toYaml (merge $own (deepCopy (.values.podLabels | default dict)) (deepCopy .root.Values.commonLabels)) -}}
{{- end -}}

{{/* (dict "image" .Values.image "default" "1.2.3"): by digest where there is one. */}}
{{- define "flashcast.image" -}}
{{- with .image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest -}}
{{- with .image.tag }}:{{ . }}{{ end }}@{{ .image.digest -}}
{{- else -}}
:{{ .image.tag | default .default }}
{{- end -}}
{{- end -}}

{{- define "flashcast.ownImage" -}}
{{- include "flashcast.image" (dict "image" .Values.image "default" .Chart.AppVersion) -}}
{{- end -}}

{{- define "flashcast.serviceAccountName" -}}
{{- if .values.serviceAccount.create -}}
{{- .values.serviceAccount.name | default (include "flashcast.componentName" .) -}}
{{- else -}}
{{- .values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}
