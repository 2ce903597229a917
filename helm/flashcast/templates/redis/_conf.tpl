{{/* In a Secret, as the password stands in it. Nothing is written to disk, and nothing may be evicted. */}}
{{- define "flashcast.redis.conf" -}}
bind * -::*
port 6379
requirepass {{ include "flashcast.redis.password" . }}
save ""
appendonly no
maxmemory {{ .Values.redis.maxMemory }}
maxmemory-policy noeviction
tcp-keepalive 30
{{ end -}}
