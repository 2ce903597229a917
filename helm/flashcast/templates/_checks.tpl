{{/* What a schema cannot say: values that contradict each other, or that are missing together. All are named at once. */}}

{{/* Not empty when `helm test` can get at the stream. */}}
{{- define "flashcast.tests.runs" -}}
{{- $needsKey := and (include "flashcast.apiKeys.secretName" .) (not .Values.edge.config.publicAccessEnabled) -}}
{{- if .Values.tests.enabled -}}
{{- if or .Values.tests.url .Values.tests.existingSecret (not (or $needsKey .Values.edge.config.proxyProtocol)) -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{- define "flashcast.problems" -}}
{{- $v := .Values -}}
{{- /* Formats of what may hold a secret: a schema would repeat the value. */}}
{{- range $at, $uri := $v.upstreams.uris }}
{{- if not (regexMatch "^wss?://[^\\s,]+$" $uri) }}
- upstreams.uris[{{ $at }}]: expected a ws:// or wss:// URI
{{- end }}
{{- end }}
{{- range $at, $line := $v.apiKeys.lines }}
{{- if not (regexMatch "^[^\\s:]+ sha256:[0-9a-fA-F]{64}( (limit|expires)=\\S+)*$" $line) }}
- apiKeys.lines[{{ $at }}]: expected "app sha256:HEX [limit=N] [expires=RFC3339]", with the hash of the key and never the key
{{- end }}
{{- end }}
{{- if not (regexMatch "^[A-Za-z0-9_.~-]*$" $v.redis.password) }}
- redis.password: expected letters, digits and _ . ~ -
{{- end }}
{{- if not (regexMatch "^(rediss?([+]sentinel|[+]cluster)?://\\S+)?$" $v.externalRedis.url) }}
- externalRedis.url: expected redis://, redis+sentinel:// or redis+cluster://, with rediss for TLS
{{- end }}
{{- if not (regexMatch "^(wss?://\\S+)?$" $v.tests.url) }}
- tests.url: expected a ws:// or wss:// URI
{{- end }}
{{- if not (or $v.upstreams.uris $v.upstreams.existingSecret $v.simulator.enabled) }}
- upstreams: not set, expected upstreams.uris or upstreams.existingSecret (or simulator.enabled=true to try it out)
{{- end }}
{{- if and $v.upstreams.existingSecret (or $v.upstreams.uris $v.simulator.enabled) }}
- upstreams.existingSecret: stands alone, expected neither upstreams.uris nor simulator.enabled beside it
{{- end }}
{{- if and $v.apiKeys.existingSecret $v.apiKeys.lines }}
- apiKeys: expected apiKeys.lines or apiKeys.existingSecret, received both
{{- end }}
{{- $redis := compact (list (ternary "redis.enabled" "" $v.redis.enabled) (ternary "externalRedis.url" "" (ne $v.externalRedis.url "")) (ternary "externalRedis.existingSecret" "" (ne $v.externalRedis.existingSecret ""))) }}
{{- if eq (len $redis) 0 }}
- Redis: not set, expected externalRedis.url or externalRedis.existingSecret (or redis.enabled=true for a small one to try it out)
{{- else if gt (len $redis) 1 }}
- Redis: expected one of redis.enabled, externalRedis.url and externalRedis.existingSecret, received {{ join " and " $redis }}
{{- end }}
{{- with $v.edge.drain }}
{{- if gt (int64 .delayMs) (int64 .timeoutMs) }}
- edge.drain.delayMs ({{ int64 .delayMs }}): expected at most edge.drain.timeoutMs ({{ int64 .timeoutMs }}), which includes it
{{- end }}
{{- end }}
{{- $least := add (include "flashcast.edge.drainSeconds" . | int64) 5 }}
{{- with $v.edge.terminationGracePeriodSeconds }}
{{- if lt (int64 .) $least }}
- edge.terminationGracePeriodSeconds ({{ int64 . }}): expected at least {{ $least }}, 5 above edge.drain.timeoutMs ({{ int64 $v.edge.drain.timeoutMs }}){{ with int64 $v.edge.drain.preStopSeconds }} and preStopSeconds ({{ . }}){{ end }}, or else clients are cut off; leave it empty to have it derived
{{- end }}
{{- end }}
{{- with $v.edge.autoscaling }}
{{- if and .enabled $v.edge.keda.enabled }}
- edge.autoscaling.enabled and edge.keda.enabled: expected one of them, as two autoscalers would fight
{{- end }}
{{- if gt (int64 .minReplicas) (int64 .maxReplicas) }}
- edge.autoscaling.minReplicas ({{ int64 .minReplicas }}): expected at most edge.autoscaling.maxReplicas ({{ int64 .maxReplicas }})
{{- end }}
{{- if and (or .enabled $v.edge.keda.enabled) .targetCPUUtilizationPercentage (not (dig "requests" "cpu" "" $v.edge.resources)) }}
- edge.autoscaling.targetCPUUtilizationPercentage: expected edge.resources.requests.cpu, of which it is a share
{{- end }}
{{- if and .enabled (not (or .targetCPUUtilizationPercentage .targetConnections .metrics)) }}
- edge.autoscaling: expected targetCPUUtilizationPercentage, targetConnections or metrics
{{- end }}
{{- if and $v.edge.keda.enabled (not (or .targetCPUUtilizationPercentage $v.edge.keda.prometheus.serverAddress $v.edge.keda.triggers)) }}
- edge.keda: expected prometheus.serverAddress, triggers or edge.autoscaling.targetCPUUtilizationPercentage
{{- end }}
{{- end }}
{{- include "flashcast.scaleInProblem" . }}
{{- range $component := list "ingest" "edge" }}
{{- $values := index $v $component }}
{{- if and (has ($values.strategy.maxSurge | toString) (list "0" "0%")) (has ($values.strategy.maxUnavailable | toString) (list "0" "0%")) }}
- {{ $component }}.strategy: expected maxSurge or maxUnavailable above 0, or else no rollout can begin
{{- end }}
{{- with $values.config.logDir | default $v.config.logDir }}
{{- $directory := . }}
{{- $mounted := false }}
{{- range $values.extraVolumeMounts }}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) (printf "%s/" $directory) }}{{ $mounted = true }}{{ end }}
{{- end }}
{{- if and $v.containerSecurityContext.readOnlyRootFilesystem (not $mounted) }}
- {{ $component }}: logDir is {{ . }}, expected {{ $component }}.extraVolumeMounts to have a volume there, as the root file system is read-only
{{- end }}
{{- end }}
{{- range $values.extraEnv }}
{{- $name := .name | trimSuffix "_FILE" }}
{{- $owner := get (fromYaml (include "flashcast.ownedVariables" $)) $name }}
{{- if $owner }}
- {{ $component }}.extraEnv: {{ .name }} is not set here, expected {{ $owner }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $v.edge.ingress.enabled (not $v.edge.ingress.hosts) }}
- edge.ingress.hosts: not set, expected a host at least
{{- end }}
{{- if and $v.edge.httpRoute.enabled (not $v.edge.httpRoute.parentRefs) }}
- edge.httpRoute.parentRefs: not set, expected a Gateway at least
{{- end }}
{{- if and $v.monitoring.serviceMonitor.enabled $v.monitoring.podMonitor.enabled }}
- monitoring: expected serviceMonitor or podMonitor, as with both every pod is scraped twice
{{- end }}
{{- if and $v.tests.url $v.tests.existingSecret }}
- tests: expected tests.url or tests.existingSecret, received both
{{- end }}
{{- end -}}

{{/*
Turning autoscaling on takes `replicas` out of the Deployment, which Kubernetes reads as 1; turning it off puts `edge.replicas` in.
Either may be far below what runs, and all edges above it would drain at once.
*/}}
{{- define "flashcast.scaleInProblem" -}}
{{- $name := include "flashcast.componentName" (dict "root" . "component" "edge") -}}
{{- $auto := or .Values.edge.autoscaling.enabled .Values.edge.keda.enabled -}}
{{- if and .Release.IsUpgrade (not .Values.edge.autoscaling.acceptScaleIn) -}}
{{- $live := dig "spec" "replicas" 0 (lookup "apps/v1" "Deployment" .Release.Namespace $name | default dict) | int64 -}}
{{- $next := ternary 1 (int64 .Values.edge.replicas) $auto -}}
{{- if gt $live $next -}}
{{- $scaler := or (lookup "autoscaling/v2" "HorizontalPodAutoscaler" .Release.Namespace $name) (lookup "autoscaling/v2" "HorizontalPodAutoscaler" .Release.Namespace (printf "keda-hpa-%s" $name)) -}}
{{- if and $auto (not $scaler) }}
- edge.autoscaling: turning it on takes the number of edges out of the Deployment, which Kubernetes reads as 1: {{ sub $live 1 }} of {{ $live }} edges would drain until the autoscaler acts; edge.autoscaling.acceptScaleIn=true accepts that, at a calm hour
{{- else if and (not $auto) $scaler }}
- edge.replicas ({{ $next }}): turning autoscaling off would drain {{ sub $live $next }} of the {{ $live }} edges that run; expected edge.replicas={{ $live }}, or edge.autoscaling.acceptScaleIn=true
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Variables that would pull the ground from under what the chart derives, and the value that each belongs into. */}}
{{- define "flashcast.ownedVariables" -}}
UPSTREAM_WS: upstreams
REDIS_URL: redis or externalRedis
REDIS_KEY_PREFIX: config.redisKeyPrefix
REDIS_MODE: config.redisMode
API_KEYS: apiKeys
LISTEN_ADDR: listenHost, as the port is fixed
METRICS_ADDR: listenHost, as the port is fixed
METRICS: nothing, as the probes need the port
DRAIN_TIMEOUT_MS: edge.drain.timeoutMs
DRAIN_DELAY_MS: edge.drain.delayMs
TLS_CERT: edge.tls.existingSecret
TLS_KEY: edge.tls.existingSecret
{{- end -}}
