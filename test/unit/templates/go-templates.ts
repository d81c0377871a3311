/**
 * Go's templates beside what docs/templates.md makes of them, word by word, and the bytes that confd writes: of the tests of
 * confd (`resource/template/template_test.go`, `integration`) and of Patroni's `extras/confd`, and others as Go 1.19's
 * text/template gave them.
 */
export interface GoTemplate {
  readonly title: string
  readonly keys: Readonly<Record<string, string>>
  readonly go: string
  /** Below the line `{{! whitespace: go }}`. */
  readonly ours: string
  readonly expected: string
}

export const GO_TEMPLATES: readonly GoTemplate[] = [
  {
    title: 'confd: base, get',
    keys: { '/test/key': 'abc' },
    go: `
{{with get "/test/key"}}
key: {{base .Key}}
val: {{.Value}}
{{end}}
`,
    ours: `
{{#with (get "/test/key")}}
key: {{base key}}
val: {{value}}
{{/with}}
`,
    expected: `

key: key
val: abc

`,
  },
  {
    title: 'confd: gets',
    keys: { '/test/user': 'mary', '/test/pass': 'abc', '/nada/url': 'url' },
    go: `
{{range gets "/test/*"}}
key: {{.Key}}
val: {{.Value}}
{{end}}
`,
    ours: `
{{#each (gets "/test/*")}}
key: {{key}}
val: {{value}}
{{/each}}
`,
    expected: `

key: /test/pass
val: abc

key: /test/user
val: mary

`,
  },
  {
    title: 'confd: getv',
    keys: { '/test/url': 'http://www.abc.com', '/test/user': 'bob' },
    go: `
url = {{getv "/test/url"}}
user = {{getv "/test/user"}}
`,
    ours: `
url = {{getv "/test/url"}}
user = {{getv "/test/user"}}
`,
    expected: `
url = http://www.abc.com
user = bob
`,
  },
  {
    title: 'confd: getvs',
    keys: { '/test/user': 'mary', '/test/pass': 'abc', '/nada/url': 'url' },
    go: `
{{range getvs "/test/*"}}
val: {{.}}
{{end}}
`,
    ours: `
{{#each (getvs "/test/*")}}
val: {{this}}
{{/each}}
`,
    expected: `

val: abc

val: mary

`,
  },
  {
    title: 'confd: split',
    keys: { '/test/data': 'foo:bar:baz' },
    go: `
{{$data := split (getv "/test/data") ":"}}
f: {{index $data 0}}
br: {{index $data 1}}
bz: {{index $data 2}}
`,
    ours: `
{{#let data=(split (getv "/test/data") ":")}}
f: {{index data 0}}
br: {{index data 1}}
bz: {{index data 2}}
{{/let}}`,
    expected: `

f: foo
br: bar
bz: baz
`,
  },
  {
    title: 'confd: toUpper',
    keys: { '/test/data': 'Value' },
    go: `
{{$data := toUpper (getv "/test/data") }}
key: {{$data}}
`,
    ours: `
{{#let data=(toUpper (getv "/test/data"))}}
key: {{data}}
{{/let}}`,
    expected: `

key: VALUE
`,
  },
  {
    title: 'confd: toLower',
    keys: { '/test/data': 'Value' },
    go: `
{{$data := toLower (getv "/test/data") }}
key: {{$data}}
`,
    ours: `
{{#let data=(toLower (getv "/test/data"))}}
key: {{data}}
{{/let}}`,
    expected: `

key: value
`,
  },
  {
    title: 'confd: json',
    keys: {
      '/test/data/1': '{"Id":"host1", "IP":"192.168.10.11"}',
      '/test/data/2': '{"Id":"host2", "IP":"192.168.10.12"}',
    },
    go: `
{{range getvs "/test/data/*"}}
{{$data := json .}}
id: {{$data.Id}}
ip: {{$data.IP}}
{{end}}
`,
    ours: `
{{#each (getvs "/test/data/*")}}
{{#let data=(json this)}}
id: {{data.Id}}
ip: {{data.IP}}
{{/let}}{{/each}}
`,
    expected: `


id: host1
ip: 192.168.10.11


id: host2
ip: 192.168.10.12

`,
  },
  {
    title: 'confd: jsonArray',
    keys: { '/test/data': '["1", "2", "3"]' },
    go: `
{{range jsonArray (getv "/test/data/")}}
num: {{.}}
{{end}}
`,
    ours: `
{{#each (jsonArray (getv "/test/data/"))}}
num: {{this}}
{{/each}}
`,
    expected: `

num: 1

num: 2

num: 3

`,
  },
  {
    title: 'confd: ls',
    keys: { '/test/data/abc': '123', '/test/data/def': '456', '/test/data/ghi': '789' },
    go: `
{{range ls "/test/data"}}
value: {{.}}
{{end}}
`,
    ours: `
{{#each (ls "/test/data")}}
value: {{this}}
{{/each}}
`,
    expected: `

value: abc

value: def

value: ghi

`,
  },
  {
    title: 'confd: lsdir',
    keys: { '/test/data/abc': '123', '/test/data/def/ghi': '456', '/test/data/jkl/mno': '789' },
    go: `
{{range lsdir "/test/data"}}
value: {{.}}
{{end}}
`,
    ours: `
{{#each (lsdir "/test/data")}}
value: {{this}}
{{/each}}
`,
    expected: `

value: def

value: jkl

`,
  },
  {
    title: 'confd: dir',
    keys: { '/test/data': 'parent', '/test/data/def': 'child' },
    go: `
{{with dir "/test/data/abc"}}
dir: {{.}}
{{end}}
`,
    ours: `
{{#with (dir "/test/data/abc")}}
dir: {{this}}
{{/with}}
`,
    expected: `

dir: /test/data

`,
  },
  {
    title: 'confd: lookupIPV4',
    keys: {},
    go: `
{{range lookupIPV4 "localhost"}}
ip: {{.}}
{{end}}
`,
    ours: `
{{#each (lookupIPV4 "localhost")}}
ip: {{this}}
{{/each}}
`,
    expected: `

ip: 127.0.0.1

`,
  },
  {
    title: 'confd: lookupIPV6',
    keys: {},
    go: `
{{range lookupIPV6 "localhost"}}
ip: {{.}}
{{end}}
`,
    ours: `
{{#each (lookupIPV6 "localhost")}}
ip: {{this}}
{{/each}}
`,
    expected: `

ip: ::1

`,
  },
  {
    title: 'confd: lookupIP',
    keys: {},
    go: `
{{range lookupIP "localhost"}}
ip: {{.}}
{{end}}
`,
    ours: `
{{#each (lookupIP "localhost")}}
ip: {{this}}
{{/each}}
`,
    expected: `

ip: 127.0.0.1

ip: ::1

`,
  },
  {
    title: 'confd: base64Encode',
    keys: { '/test/data': 'Value' },
    go: `
{{$data := base64Encode (getv "/test/data") }}
key: {{$data}}
`,
    ours: `
{{#let data=(base64Encode (getv "/test/data"))}}
key: {{data}}
{{/let}}`,
    expected: `

key: VmFsdWU=
`,
  },
  {
    title: 'confd: base64Decode',
    keys: { '/test/data': 'VmFsdWU=' },
    go: `
{{$data := base64Decode (getv "/test/data") }}
key: {{$data}}
`,
    ours: `
{{#let data=(base64Decode (getv "/test/data"))}}
key: {{data}}
{{/let}}`,
    expected: `

key: Value
`,
  },
  {
    title: 'confd: seq',
    keys: {},
    go: `
{{ seq 1 3 }}
`,
    ours: `
[{{join (seq 1 3) " "}}]
`,
    expected: `
[1 2 3]
`,
  },
  {
    title: 'confd: atoi',
    keys: { '/test/count': '3' },
    go: `
{{ seq 1 (atoi (getv "/test/count")) }}
`,
    ours: `
[{{join (seq 1 (atoi (getv "/test/count"))) " "}}]
`,
    expected: `
[1 2 3]
`,
  },
  {
    title: 'confd: basic.conf',
    keys: {
      '/key': 'foobar',
      '/upstream/app1': '10.0.1.10:8080',
      '/upstream/app2': '10.0.1.11:8080',
      '/nested/app1': '10.0.1.10:8080',
      '/nested/app2': '10.0.1.11:8080',
      '/database/host': '127.0.0.1',
      '/database/password': 'p@sSw0rd',
      '/database/port': '3306',
      '/database/username': 'confd',
    },
    go: `hostname: {{ getenv "HOSTNAME" }}
[database]
host={{ getv "/database/host" }}
password={{ getv "/database/password" }}
port={{ getv "/database/port" }}
username={{ getv "/database/username" }}
`,
    ours: `hostname: {{ getenv "HOSTNAME" }}
[database]
host={{ getv "/database/host" }}
password={{ getv "/database/password" }}
port={{ getv "/database/port" }}
username={{ getv "/database/username" }}
`,
    expected: `hostname: localhost
[database]
host=127.0.0.1
password=p@sSw0rd
port=3306
username=confd
`,
  },
  {
    title: 'confd: exists-test.conf',
    keys: {
      '/key': 'foobar',
      '/upstream/app1': '10.0.1.10:8080',
      '/upstream/app2': '10.0.1.11:8080',
      '/nested/app1': '10.0.1.10:8080',
      '/nested/app2': '10.0.1.11:8080',
      '/database/host': '127.0.0.1',
      '/database/password': 'p@sSw0rd',
      '/database/port': '3306',
      '/database/username': 'confd',
    },
    go: `{{ if exists "/key" }}value: {{ getv "/key" }}{{ end }}
{{- if exists "/doesnotexist" }}This line will not be printed value: {{ getv "/key" }}{{ end }}
`,
    ours: `{{#if (exists "/key")}}value: {{ getv "/key" }}{{/if}}
{{~#if (exists "/doesnotexist")}}This line will not be printed value: {{ getv "/key" }}{{/if}}
`,
    expected: `value: foobar
`,
  },
  {
    title: 'confd: iteration.conf',
    keys: {
      '/key': 'foobar',
      '/upstream/app1': '10.0.1.10:8080',
      '/upstream/app2': '10.0.1.11:8080',
      '/nested/app1': '10.0.1.10:8080',
      '/nested/app2': '10.0.1.11:8080',
      '/database/host': '127.0.0.1',
      '/database/password': 'p@sSw0rd',
      '/database/port': '3306',
      '/database/username': 'confd',
    },
    go: `upstream app {
{{- range gets "/upstream/*" }}
  server {{ .Value }};
{{- end }}
}

server {
    server_name  www.example.com;
    location / {
        proxy_pass        http://app;
        proxy_redirect    off;
        proxy_set_header  Host             $host;
        proxy_set_header  X-Real-IP        $remote_addr;
        proxy_set_header  X-Forwarded-For  $proxy_add_x_forwarded_for;
   }
}
`,
    ours: `upstream app {
{{~#each (gets "/upstream/*")}}
  server {{value}};
{{~/each}}
}

server {
    server_name  www.example.com;
    location / {
        proxy_pass        http://app;
        proxy_redirect    off;
        proxy_set_header  Host             $host;
        proxy_set_header  X-Real-IP        $remote_addr;
        proxy_set_header  X-Forwarded-For  $proxy_add_x_forwarded_for;
   }
}
`,
    expected: `upstream app {
  server 10.0.1.10:8080;
  server 10.0.1.11:8080;
}

server {
    server_name  www.example.com;
    location / {
        proxy_pass        http://app;
        proxy_redirect    off;
        proxy_set_header  Host             $host;
        proxy_set_header  X-Real-IP        $remote_addr;
        proxy_set_header  X-Forwarded-For  $proxy_add_x_forwarded_for;
   }
}
`,
  },
  {
    title: 'confd: nested.conf',
    keys: {
      '/key': 'foobar',
      '/upstream/app1': '10.0.1.10:8080',
      '/upstream/app2': '10.0.1.11:8080',
      '/nested/app1': '10.0.1.10:8080',
      '/nested/app2': '10.0.1.11:8080',
      '/database/host': '127.0.0.1',
      '/database/password': 'p@sSw0rd',
      '/database/port': '3306',
      '/database/username': 'confd',
    },
    go: `upstream app {
{{ range gets "/nested/*" }}
  {{ range gets .Key }}
    server {{ .Value }};
  {{ end }}
{{ end }}
}

server {
    server_name  www.example.com;
    location / {
        proxy_pass        http://app;
        proxy_redirect    off;
        proxy_set_header  Host             $host;
        proxy_set_header  X-Real-IP        $remote_addr;
        proxy_set_header  X-Forwarded-For  $proxy_add_x_forwarded_for;
   }
}
`,
    ours: `upstream app {
{{#each (gets "/nested/*")}}
  {{#each (gets key)}}
    server {{value}};
  {{/each}}
{{/each}}
}

server {
    server_name  www.example.com;
    location / {
        proxy_pass        http://app;
        proxy_redirect    off;
        proxy_set_header  Host             $host;
        proxy_set_header  X-Real-IP        $remote_addr;
        proxy_set_header  X-Forwarded-For  $proxy_add_x_forwarded_for;
   }
}
`,
    expected: `upstream app {

  
    server 10.0.1.10:8080;
  

  
    server 10.0.1.11:8080;
  

}

server {
    server_name  www.example.com;
    location / {
        proxy_pass        http://app;
        proxy_redirect    off;
        proxy_set_header  Host             $host;
        proxy_set_header  X-Real-IP        $remote_addr;
        proxy_set_header  X-Forwarded-For  $proxy_add_x_forwarded_for;
   }
}
`,
  },
  {
    title: 'Patroni: haproxy.tmpl',
    keys: {
      '/leader': 'pg1',
      '/members/pg1':
        '{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":"http://10.0.0.1:8008/patroni","role":"primary"}',
      '/members/pg2': '{"conn_url":"postgres://u:p@10.0.0.2:5433/postgres","api_url":"http://10.0.0.2:8008/patroni"}',
    },
    go: `global
\tmaxconn 100

defaults
\tlog\tglobal
\tmode\ttcp
\tretries 2
\ttimeout client 30m
\ttimeout connect 4s
\ttimeout server 30m
\ttimeout check 5s

listen stats
\tmode http
\tbind *:7000
\tstats enable
\tstats uri /

listen primary
\tbind *:5000
\toption httpchk HEAD /primary
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
{{range gets "/members/*"}}\tserver {{base .Key}} {{$data := json .Value}}{{base (replace (index (split $data.conn_url "/") 2) "@" "/" -1)}} maxconn 100 check port {{index (split (index (split $data.api_url "/") 2) ":") 1}}
{{end}}
listen replicas
\tbind *:5001
\toption httpchk HEAD /replica
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
{{range gets "/members/*"}}\tserver {{base .Key}} {{$data := json .Value}}{{base (replace (index (split $data.conn_url "/") 2) "@" "/" -1)}} maxconn 100 check port {{index (split (index (split $data.api_url "/") 2) ":") 1}}
{{end}}
`,
    ours: `global
\tmaxconn 100

defaults
\tlog\tglobal
\tmode\ttcp
\tretries 2
\ttimeout client 30m
\ttimeout connect 4s
\ttimeout server 30m
\ttimeout check 5s

listen stats
\tmode http
\tbind *:7000
\tstats enable
\tstats uri /

listen primary
\tbind *:5000
\toption httpchk HEAD /primary
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
{{#each (gets "/members/*")}}\tserver {{base key}} {{#let data=(json value)}}{{base (replace (index (split data.conn_url "/") 2) "@" "/" -1)}} maxconn 100 check port {{index (split (index (split data.api_url "/") 2) ":") 1}}
{{/let}}{{/each}}
listen replicas
\tbind *:5001
\toption httpchk HEAD /replica
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
{{#each (gets "/members/*")}}\tserver {{base key}} {{#let data=(json value)}}{{base (replace (index (split data.conn_url "/") 2) "@" "/" -1)}} maxconn 100 check port {{index (split (index (split data.api_url "/") 2) ":") 1}}
{{/let}}{{/each}}
`,
    expected: `global
\tmaxconn 100

defaults
\tlog\tglobal
\tmode\ttcp
\tretries 2
\ttimeout client 30m
\ttimeout connect 4s
\ttimeout server 30m
\ttimeout check 5s

listen stats
\tmode http
\tbind *:7000
\tstats enable
\tstats uri /

listen primary
\tbind *:5000
\toption httpchk HEAD /primary
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
\tserver pg1 10.0.0.1:5432 maxconn 100 check port 8008
\tserver pg2 10.0.0.2:5433 maxconn 100 check port 8008

listen replicas
\tbind *:5001
\toption httpchk HEAD /replica
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
\tserver pg1 10.0.0.1:5432 maxconn 100 check port 8008
\tserver pg2 10.0.0.2:5433 maxconn 100 check port 8008

`,
  },
  {
    title: 'Patroni: haproxy-citus.tmpl',
    keys: {
      '/0/members/c1':
        '{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":"http://10.0.0.1:8008/patroni","role":"primary"}',
      '/1/members/w1': '{"conn_url":"postgres://u:p@10.0.0.2:5433/postgres","api_url":"http://10.0.0.2:8008/patroni"}',
      '/2/members/w1':
        '{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":"http://10.0.0.1:8008/patroni","role":"primary"}',
    },
    go: `global
\tmaxconn 100

defaults
\tlog\tglobal
\tmode\ttcp
\tretries 2
\ttimeout client 30m
\ttimeout connect 4s
\ttimeout server 30m
\ttimeout check 5s

listen stats
\tmode http
\tbind *:7000
\tstats enable
\tstats uri /

listen coordinator
\tbind *:5000
\toption httpchk HEAD /primary
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
{{range gets "/0/members/*"}}\tserver {{base .Key}} {{$data := json .Value}}{{base (replace (index (split $data.conn_url "/") 2) "@" "/" -1)}} maxconn 100 check check-ssl port {{index (split (index (split $data.api_url "/") 2) ":") 1}} verify required ca-file /etc/ssl/certs/ssl-cert-snakeoil.pem crt /etc/ssl/private/ssl-cert-snakeoil.crt
{{end}}
listen workers
\tbind *:5001
\toption httpchk HEAD /primary
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
{{range gets "/*/members/*"}}{{$group := index (split .Key "/") 1}}{{if ne $group "0"}}\tserver {{base .Key}} {{$data := json .Value}}{{base (replace (index (split $data.conn_url "/") 2) "@" "/" -1)}} maxconn 100 check check-ssl port {{index (split (index (split $data.api_url "/") 2) ":") 1}} verify required ca-file /etc/ssl/certs/ssl-cert-snakeoil.pem crt /etc/ssl/private/ssl-cert-snakeoil.crt
{{end}}{{end}}
`,
    ours: `global
\tmaxconn 100

defaults
\tlog\tglobal
\tmode\ttcp
\tretries 2
\ttimeout client 30m
\ttimeout connect 4s
\ttimeout server 30m
\ttimeout check 5s

listen stats
\tmode http
\tbind *:7000
\tstats enable
\tstats uri /

listen coordinator
\tbind *:5000
\toption httpchk HEAD /primary
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
{{#each (gets "/0/members/*")}}\tserver {{base key}} {{#let data=(json value)}}{{base (replace (index (split data.conn_url "/") 2) "@" "/" -1)}} maxconn 100 check check-ssl port {{index (split (index (split data.api_url "/") 2) ":") 1}} verify required ca-file /etc/ssl/certs/ssl-cert-snakeoil.pem crt /etc/ssl/private/ssl-cert-snakeoil.crt
{{/let}}{{/each}}
listen workers
\tbind *:5001
\toption httpchk HEAD /primary
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
{{#each (gets "/*/members/*")}}{{#let group=(index (split key "/") 1)}}{{#if (ne group "0")}}\tserver {{base key}} {{#let data=(json value)}}{{base (replace (index (split data.conn_url "/") 2) "@" "/" -1)}} maxconn 100 check check-ssl port {{index (split (index (split data.api_url "/") 2) ":") 1}} verify required ca-file /etc/ssl/certs/ssl-cert-snakeoil.pem crt /etc/ssl/private/ssl-cert-snakeoil.crt
{{/let}}{{/if}}{{/let}}{{/each}}
`,
    expected: `global
\tmaxconn 100

defaults
\tlog\tglobal
\tmode\ttcp
\tretries 2
\ttimeout client 30m
\ttimeout connect 4s
\ttimeout server 30m
\ttimeout check 5s

listen stats
\tmode http
\tbind *:7000
\tstats enable
\tstats uri /

listen coordinator
\tbind *:5000
\toption httpchk HEAD /primary
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
\tserver c1 10.0.0.1:5432 maxconn 100 check check-ssl port 8008 verify required ca-file /etc/ssl/certs/ssl-cert-snakeoil.pem crt /etc/ssl/private/ssl-cert-snakeoil.crt

listen workers
\tbind *:5001
\toption httpchk HEAD /primary
\thttp-check expect status 200
\tdefault-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
\tserver w1 10.0.0.2:5433 maxconn 100 check check-ssl port 8008 verify required ca-file /etc/ssl/certs/ssl-cert-snakeoil.pem crt /etc/ssl/private/ssl-cert-snakeoil.crt
\tserver w1 10.0.0.1:5432 maxconn 100 check check-ssl port 8008 verify required ca-file /etc/ssl/certs/ssl-cert-snakeoil.pem crt /etc/ssl/private/ssl-cert-snakeoil.crt

`,
  },
  {
    title: 'Patroni: pgbouncer.tmpl',
    keys: {
      '/leader': 'pg1',
      '/members/pg1':
        '{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":"http://10.0.0.1:8008/patroni","role":"primary"}',
      '/members/pg2': '{"conn_url":"postgres://u:p@10.0.0.2:5433/postgres","api_url":"http://10.0.0.2:8008/patroni"}',
    },
    go: `[databases]
{{with get "/leader"}}{{$leader := .Value}}{{$leadkey := printf "/members/%s" $leader}}{{with get $leadkey}}{{$data := json .Value}}{{$hostport := base (replace (index (split $data.conn_url "/") 2) "@" "/" -1)}}{{ $host := base (index (split $hostport ":") 0)}}{{ $port := base (index (split $hostport ":") 1)}}* = host={{ $host }} port={{ $port }} pool_size=10{{end}}{{end}}

[pgbouncer]
logfile = /var/log/postgresql/pgbouncer.log
pidfile = /var/run/postgresql/pgbouncer.pid
listen_addr = *
listen_port = 6432
unix_socket_dir = /var/run/postgresql
auth_type = trust
auth_file = /etc/pgbouncer/userlist.txt
auth_hba_file = /etc/pgbouncer/pg_hba.txt
admin_users = pgbouncer
stats_users = pgbouncer
pool_mode = session
max_client_conn = 100
default_pool_size = 20
`,
    ours: `[databases]
{{#with (get "/leader")}}{{#let leader=value}}{{#let leadkey=(concat "/members/" leader)}}{{#with (get leadkey)}}{{#let data=(json value)}}{{#let hostport=(base (replace (index (split data.conn_url "/") 2) "@" "/" -1))}}{{#let host=(base (index (split hostport ":") 0))}}{{#let port=(base (index (split hostport ":") 1))}}* = host={{host}} port={{port}} pool_size=10{{/let}}{{/let}}{{/let}}{{/let}}{{/with}}{{/let}}{{/let}}{{/with}}

[pgbouncer]
logfile = /var/log/postgresql/pgbouncer.log
pidfile = /var/run/postgresql/pgbouncer.pid
listen_addr = *
listen_port = 6432
unix_socket_dir = /var/run/postgresql
auth_type = trust
auth_file = /etc/pgbouncer/userlist.txt
auth_hba_file = /etc/pgbouncer/pg_hba.txt
admin_users = pgbouncer
stats_users = pgbouncer
pool_mode = session
max_client_conn = 100
default_pool_size = 20
`,
    expected: `[databases]
* = host=10.0.0.1 port=5432 pool_size=10

[pgbouncer]
logfile = /var/log/postgresql/pgbouncer.log
pidfile = /var/run/postgresql/pgbouncer.pid
listen_addr = *
listen_port = 6432
unix_socket_dir = /var/run/postgresql
auth_type = trust
auth_file = /etc/pgbouncer/userlist.txt
auth_hba_file = /etc/pgbouncer/pg_hba.txt
admin_users = pgbouncer
stats_users = pgbouncer
pool_mode = session
max_client_conn = 100
default_pool_size = 20
`,
  },
  {
    title: 'an empty value under a name',
    keys: { '/empty': '', '/no': 'false', '/one': '1', '/two': '2' },
    go: `{{$x := getv "/empty"}}a={{$x}}
{{if $x}}set{{else}}not set{{end}}
`,
    ours: `{{#let x=(getv "/empty")}}a={{x}}
{{#if x}}set{{else}}not set{{/if}}
{{/let}}`,
    expected: `a=
not set
`,
  },
  {
    title: 'false under a name',
    keys: { '/empty': '', '/no': 'false', '/one': '1', '/two': '2' },
    go: `{{$on := parseBool (getv "/no")}}ssl = {{$on}}
`,
    ours: `{{#let on=(parseBool (getv "/no"))}}ssl = {{on}}
{{/let}}`,
    expected: `ssl = false
`,
  },
  {
    title: 'an empty list under a name',
    keys: { '/empty': '', '/no': 'false', '/one': '1', '/two': '2' },
    go: `begin
{{$all := gets "/none/*"}}{{range $all}}{{.Key}}{{end}}end
`,
    ours: `begin
{{#let all=(gets "/none/*")}}{{#each all}}{{key}}{{/each}}end
{{/let}}`,
    expected: `begin
end
`,
  },
  {
    title: 'a name within a range reads what is around it',
    keys: { '/empty': '', '/no': 'false', '/one': '1', '/two': '2' },
    go: `{{$p := "x"}}{{range $i, $v := getvs "/*"}}{{$q := $v}}{{$p}}{{$i}}{{$q}};{{end}}
`,
    ours: `{{#let p="x"}}{{#each (getvs "/*") as |v i|}}{{#let q=v}}{{p}}{{i}}{{q}};{{/let}}{{/each}}
{{/let}}`,
    expected: `x0;x11;x22;x3false;
`,
  },
  {
    title: 'a name that hides another',
    keys: { '/empty': '', '/no': 'false', '/one': '1', '/two': '2' },
    go: `{{$x := "a"}}{{if true}}{{$x := "b"}}{{$x}}{{end}}{{$x}}
`,
    ours: `{{#let x="a"}}{{#if true}}{{#let x="b"}}{{x}}{{/let}}{{/if}}{{x}}
{{/let}}`,
    expected: `ba
`,
  },
  {
    title: 'white space: trimmed before',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `a
{{- range getvs "/a/*"}}
  {{.}}
{{- end}}
b
`,
    ours: `a
{{~#each (getvs "/a/*")}}
  {{this}}
{{~/each}}
b
`,
    expected: `a
  x
  y
b
`,
  },
  {
    title: 'white space: trimmed after',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `a
{{range getvs "/a/*" -}}
  {{.}}
{{end -}}
b
`,
    ours: `a
{{#each (getvs "/a/*")~}}
  {{this}}
{{/each~}}
b
`,
    expected: `a
x
y
b
`,
  },
  {
    title: 'white space: trimmed on both sides',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `a

 {{- range getvs "/a/*" -}}
  {{.}}, {{- end -}}

 b
`,
    ours: `a

 {{~#each (getvs "/a/*")~}}
  {{this}}, {{~/each~}}

 b
`,
    expected: `ax,y,b
`,
  },
  {
    title: 'white space: an indented range whose end ends a line',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `list:
  {{range getvs "/a/*"}}
  - {{.}}{{end}}
end
`,
    ours: `list:
  {{#each (getvs "/a/*")}}
  - {{this}}{{/each}}
end
`,
    expected: `list:
  
  - x
  - y
end
`,
  },
  {
    title: 'white space: a range that begins within a line',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `list:{{range getvs "/a/*"}}
  - {{.}}
  {{end}}
end
`,
    ours: `list:{{#each (getvs "/a/*")}}
  - {{this}}
  {{/each}}
end
`,
    expected: `list:
  - x
  
  - y
  
end
`,
  },
  {
    title: 'white space: if, else if and else',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `{{range getvs "/*/*"}}
{{- if eq . "x"}}
X
{{- else if eq . "y" }}
Y  {{else -}}
 Z {{- end}}{{end}}
`,
    ours: `{{#each (getvs "/*/*")}}
{{~#if (eq this "x")}}
X
{{~else if (eq this "y")}}
Y  {{else~}}
 Z {{~/if}}{{/each}}
`,
    expected: `
X
Y  
`,
  },
  {
    title: 'white space: else is not trimmed by what follows',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `{{if exists "/n"}}a {{else if exists "/a/1"}}b {{else}}c {{- end}}|
`,
    ours: `{{#if (exists "/n")}}a {{else if (exists "/a/1")}}b {{else}}c {{~/if}}|
`,
    expected: `b |
`,
  },
  {
    title: 'white space: comments',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `a
{{/* one */}}
b
{{- /* two */ -}}
c {{/* three */ -}} d
`,
    ours: `a
{{! one }}
b
{{~! two ~}}
c {{! three ~}} d
`,
    expected: `a

bc d
`,
  },
  {
    title: 'white space: values',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `a {{- "b" -}} c
{{- "d" }}

{{ "e" -}}

f
`,
    ours: `a {{~concat "b"~}} c
{{~concat "d"}}

{{concat "e"~}}

f
`,
    expected: `abcd

ef
`,
  },
  {
    title: 'white space: tabs and carriage returns',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `a\t\r
{{- if true -}}\r
\tb\r
{{end}}\r
c\r
`,
    ours: `a\t\r
{{~#if true~}}\r
\tb\r
{{/if}}\r
c\r
`,
    expected: `ab\r
\r
c\r
`,
  },
  {
    title: 'white space: a no-break space is text',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `a\u00a0{{- "b" -}}\u00a0c
`,
    ours: `a\u00a0{{~concat "b"~}}\u00a0c
`,
    expected: `a\u00a0b\u00a0c
`,
  },
  {
    title: 'white space: tags side by side',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `{{if true}}{{if true -}} a {{- end}} {{- end}} b
`,
    ours: `{{#if true}}{{#if true~}} a {{~/if}} {{~/if}} b
`,
    expected: `a b
`,
  },
  {
    title: 'white space: nothing but blanks in a block',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `a{{if true}} 
 {{end}}b{{if false}} {{else}}

{{end}}c
`,
    ours: `a{{#if true}} 
 {{/if}}b{{#if false}} {{else}}

{{/if}}c
`,
    expected: `a 
 b

c
`,
  },
  {
    title: 'white space: a name trimmed',
    keys: { '/a/1': 'x', '/a/2': 'y' },
    go: `a
{{- $x := "v" -}}
b {{$x}}
`,
    ours: `a
{{~#let x="v"~}}
b {{x}}
{{/let}}`,
    expected: `ab v
`,
  },
]
