{{/* What the programs read: the file of --config, and the files with secrets that it names. */}}

{{/* Where secrets are mounted. */}}
{{- define "flashcast.secretsPath" -}}/run/secrets/flashcast{{- end -}}

{{/* An address to listen on. An IPv6 host stands in brackets. */}}
{{- define "flashcast.listen" -}}
{{- if contains ":" .root.Values.listenHost -}}[{{ .root.Values.listenHost }}]:{{ .port }}{{- else -}}{{ .root.Values.listenHost }}:{{ .port }}{{- end -}}
{{- end -}}

{{- define "flashcast.ingest.config" -}}
{{- $own := dict
  "metricsAddr" (include "flashcast.listen" (dict "root" . "port" 9000))
  "upstreamWsFile" (printf "%s/upstream-ws" (include "flashcast.secretsPath" .))
  "redisUrlFile" (printf "%s/redis-url" (include "flashcast.secretsPath" .)) -}}
{{- toYaml (merge $own (deepCopy .Values.ingest.config) (deepCopy .Values.config)) -}}
{{- end -}}

{{- define "flashcast.edge.config" -}}
{{- $own := dict
  "listenAddr" (include "flashcast.listen" (dict "root" . "port" 8545))
  "metricsAddr" (include "flashcast.listen" (dict "root" . "port" 9000))
  "redisUrlFile" (printf "%s/redis-url" (include "flashcast.secretsPath" .))
  "drainTimeoutMs" (int64 .Values.edge.drain.timeoutMs)
  "drainDelayMs" (int64 .Values.edge.drain.delayMs) -}}
{{- if include "flashcast.apiKeys.secretName" . -}}
{{- $_ := set $own "apiKeysFile" (printf "%s-keys/api-keys" (include "flashcast.secretsPath" .)) -}}
{{- end -}}
{{- if .Values.edge.tls.existingSecret -}}
{{- $_ := set $own "tlsCertFile" (printf "%s-tls/tls.crt" (include "flashcast.secretsPath" .)) -}}
{{- $_ := set $own "tlsKeyFile" (printf "%s-tls/tls.key" (include "flashcast.secretsPath" .)) -}}
{{- end -}}
{{- toYaml (merge $own (deepCopy .Values.edge.config) (deepCopy .Values.config)) -}}
{{- end -}}

{{- define "flashcast.upstreams.secretName" -}}
{{- .Values.upstreams.existingSecret | default (printf "%s-upstreams" (include "flashcast.fullname" .)) -}}
{{- end -}}

{{/* Content of the own Secret: an URI a line, the simulator's last. */}}
{{- define "flashcast.upstreams.uris" -}}
{{- $uris := .Values.upstreams.uris -}}
{{- if .Values.simulator.enabled -}}
{{- $uris = append $uris (printf "ws://%s-simulator.%s.svc:8546" (include "flashcast.fullname" .) .Release.Namespace) -}}
{{- end -}}
{{- join "\n" $uris -}}
{{- end -}}

{{/* Empty where clients need no key. */}}
{{- define "flashcast.apiKeys.secretName" -}}
{{- if .Values.apiKeys.existingSecret -}}
{{- .Values.apiKeys.existingSecret -}}
{{- else if .Values.apiKeys.lines -}}
{{- printf "%s-api-keys" (include "flashcast.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "flashcast.redis.secretName" -}}
{{- if and (not .Values.redis.enabled) .Values.externalRedis.existingSecret -}}
{{- .Values.externalRedis.existingSecret -}}
{{- else -}}
{{- printf "%s-redis" (include "flashcast.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "flashcast.redis.secretKey" -}}
{{- if and (not .Values.redis.enabled) .Values.externalRedis.existingSecret -}}
{{- .Values.externalRedis.existingSecretKey -}}
{{- else -}}
redis-url
{{- end -}}
{{- end -}}

{{/*
Password of the bundled Redis: the value, else the one that the release has, else a new one. Made once per rendering and kept
among the values, as the Secret and the checksums that restart pods must be of the same one.
*/}}
{{- define "flashcast.redis.password" -}}
{{- if not (hasKey .Values.redis "_password") -}}
{{- $password := .Values.redis.password -}}
{{- if not $password -}}
{{- $present := lookup "v1" "Secret" .Release.Namespace (include "flashcast.redis.secretName" .) -}}
{{- $password = dig "data" "redis-password" "" ($present | default dict) | b64dec | default (randAlphaNum 32) -}}
{{- end -}}
{{- $_ := set .Values.redis "_password" $password -}}
{{- end -}}
{{- .Values.redis._password -}}
{{- end -}}

{{- define "flashcast.redis.url" -}}
{{- if .Values.redis.enabled -}}
redis://:{{ include "flashcast.redis.password" . | urlquery | replace "+" "%20" }}@{{ include "flashcast.fullname" . }}-redis.{{ .Release.Namespace }}.svc:6379
{{- else -}}
{{ .Values.externalRedis.url }}
{{- end -}}
{{- end -}}

{{/* Seconds from a pod's deletion until the last client is closed, rounded up: a hook's and the drain's. */}}
{{- define "flashcast.edge.drainSeconds" -}}
{{- add (int64 .Values.edge.drain.preStopSeconds) (div (add (int64 .Values.edge.drain.timeoutMs) 999) 1000) -}}
{{- end -}}

{{/* Behind the drain: closing what is left, leaving Redis, and the end of the process. */}}
{{- define "flashcast.edge.graceMargin" -}}10{{- end -}}

{{- define "flashcast.edge.grace" -}}
{{- .Values.edge.terminationGracePeriodSeconds | default (add (include "flashcast.edge.drainSeconds" . | int64) (include "flashcast.edge.graceMargin" . | int64)) | int64 -}}
{{- end -}}

{{/* Changes whenever a program must be restarted to see what changed. Secrets of others are not looked into. */}}
{{- define "flashcast.checksums" -}}
checksum/config: {{ .config | sha256sum }}
checksum/secrets: {{ .secrets | sha256sum }}
{{- end -}}
