{{/* What helm says after an installation. */}}
{{- define "flashcast.notes" -}}
{{- $edge := printf "%s-edge" (include "flashcast.fullname" .) -}}
{{- $scheme := ternary "wss" "ws" (ne .Values.edge.tls.existingSecret "") -}}
flashcast {{ .Chart.AppVersion }}: {{ .Values.ingest.replicas }} ingest, {{ if or .Values.edge.autoscaling.enabled .Values.edge.keda.enabled }}{{ .Values.edge.autoscaling.minReplicas }} to {{ .Values.edge.autoscaling.maxReplicas }}{{ else }}{{ .Values.edge.replicas }}{{ end }} edge.

Clients connect to
{{- range .Values.edge.ingress.enabled | ternary .Values.edge.ingress.hosts list }}
  {{ $.Values.edge.ingress.tls | empty | ternary "ws" "wss" }}://{{ . }}{{ $.Values.edge.ingress.path }}
{{- end }}
{{- range .Values.edge.httpRoute.enabled | ternary .Values.edge.httpRoute.hostnames list }}
  {{ . }}{{ $.Values.edge.httpRoute.path }}, through its Gateway
{{- end }}
  {{ $scheme }}://{{ $edge }}.{{ .Release.Namespace }}.svc:{{ .Values.edge.service.port }}/ws within the cluster

Is it there?
  kubectl -n {{ .Release.Namespace }} rollout status deployment/{{ $edge }}
{{- if include "flashcast.tests.runs" . }}
  helm -n {{ .Release.Namespace }} test {{ .Release.Name }} --logs
{{- else if .Values.tests.enabled }}
  `helm test` is left out: set tests.existingSecret to a Secret with a URL that holds a key, or tests.url.
{{- end }}

What does an edge say of itself?
  kubectl -n {{ .Release.Namespace }} port-forward deployment/{{ $edge }} 9000 &
  curl -s http://127.0.0.1:9000/status.json
{{- if .Values.redis.enabled }}

NOTE: this is the bundled Redis, one pod. While it restarts, clients stay connected and the stream stands still. For more than trying
out: externalRedis.
{{- end }}
{{- if .Values.simulator.enabled }}

NOTE: the stream holds made-up flashblocks of the simulator.
{{- end }}
{{- if not (include "flashcast.apiKeys.secretName" .) }}

NOTE: no API keys are set: everybody who reaches port 8545 is served.
{{- end }}
{{- if not .Values.networkPolicy.enabled }}

NOTE: no NetworkPolicies were made (networkPolicy.enabled).
{{- end }}
{{- if or (eq (.Values.edge.config.clientPingEnabled | toString) "false") (ge (int64 (.Values.edge.config.clientPingIntervalMs | default 15000)) 30000) }}

WARNING: clients are pinged less often than every 30 s: load balancers with short idle times may cut quiet streams.
{{- end }}
{{- if and (eq (.Values.edge.config.edgeWorkers | toString) "auto") (not (dig "limits" "cpu" "" .Values.edge.resources)) }}

WARNING: edgeWorkers=auto without a CPU limit starts a process for each core of the node. Set a number, and a CPU request to match.
{{- end }}
{{- if and .Values.edge.autoscaling.enabled (not .Values.edge.autoscaling.targetConnections) }}

NOTE: edges scale by CPU alone. With an adapter for custom metrics, edge.autoscaling.targetConnections scales by clients too.
{{- end }}
{{- end -}}
