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
  {
    title: 'a name that ends before a trimmed end, and a trimmed else',
    keys: {
      '/routes/10.1.0.0-16': '',
      '/routes/10.2.0.0-16': '',
      '/pool/a': '{"cidr":"192.168.0.0/16","mode":"always"}',
      '/pool/b': '{"cidr":"192.169.0.0/16"}',
    },
    go: `filter export_to_peers {
{{- $static := "/routes"}}
{{- if ls $static}}

  # Static routes.
  {{- range ls $static}}
    {{- $parts := split . "-"}}
    {{- $cidr := join $parts "/"}}
  if ( net ~ {{$cidr}} ) then { accept; }
  {{- end}}
{{- end}}
{{range ls "/pool"}}{{$data := json (getv (printf "/pool/%s" .))}}
  if ( net ~ {{$data.cidr}} ) then {
{{- if $data.mode}}{{$mode := $data.mode}}
    # {{$mode}}
    reject;
{{- else}}{{$mode := "none"}}
    # {{$mode}}
    accept;
{{- end}}
  }
{{- end}}
  reject;
}
`,
    ours: `filter export_to_peers {
{{~#let static="/routes"}}
{{~#if (ls static)}}

  # Static routes.
  {{~#each (ls static)}}
    {{~#let parts=(split this "-")}}
    {{~#let cidr=(join parts "/")}}
  if ( net ~ {{cidr}} ) then { accept; }
  {{/let}}{{/let}}{{~/each}}
{{~/if}}
{{#each (ls "/pool")}}{{#let data=(json (getv (concat "/pool/" this)))}}
  if ( net ~ {{data.cidr}} ) then {
{{~#if (index data "mode")}}{{#let mode=data.mode}}
    # {{mode}}
    reject;
{{/let}}{{~else}}{{#let mode="none"}}
    # {{mode}}
    accept;
{{/let}}{{~/if}}
  }
{{/let}}{{~/each}}
  reject;
}
{{/let}}
`,
    expected: `filter export_to_peers {

  # Static routes.
  if ( net ~ 10.1.0.0/16 ) then { accept; }
  if ( net ~ 10.2.0.0/16 ) then { accept; }

  if ( net ~ 192.168.0.0/16 ) then {
    # always
    reject;
  }
  if ( net ~ 192.169.0.0/16 ) then {
    # none
    accept;
  }
  reject;
}
`,
  },
  {
    title: 'ends of names on lines of their own',
    keys: { '/app/a': '{"ip":"10.0.0.1"}', '/app/b': '{"ip":"10.0.0.2"}', '/port': '80' },
    go: `{{$port := getv "/port"}}
{{range gets "/app/*"}}
  {{$name := base .Key}}
  {{$data := json .Value}}
  server {{$name}} {{$data.ip}}:{{$port}}
  {{if eq $name "a"}}
    {{$w := "2"}}
    weight {{$w}}
  {{else}}
    {{$w := "1"}}
    weight {{$w}}
  {{- end}}
{{end}}
`,
    ours: `{{#let port=(getv "/port")}}
{{#each (gets "/app/*")}}
  {{#let name=(base key)}}
  {{#let data=(json value)}}
  server {{name}} {{data.ip}}:{{port}}
  {{#if (eq name "a")}}
    {{#let w="2"}}
    weight {{w}}
    {{/let}}
  {{else}}
    {{#let w="1"}}
    weight {{w}}
    {{/let}}
  {{~/if}}
  {{/let}}
  {{/let}}
{{/each}}
{{/let}}
`,
    expected: `

  
  
  server a 10.0.0.1:80
  
    
    weight 2
  

  
  
  server b 10.0.0.2:80
  
    
    weight 1

`,
  },
  {
    title: 'a brace right behind a value',
    keys: { '/port': '5432', '/on': 'true' },
    go: `{"port": {{getv "/port"}}}
{"a": {"b": {{getv "/port"}}}}
{{if eq (getv "/on") "true"}}}{{else}}.{{end}}}
`,
    ours: `{"port": {{getv "/port"}}}
{"a": {"b": {{getv "/port"}}}}
{{#if (eq (getv "/on") "true")}}}{{else}}.{{/if}}}
`,
    expected: `{"port": 5432}
{"a": {"b": 5432}}
}}
`,
  },
  {
    title: 'and, or: what stands behind the answer is not asked for',
    keys: { '/on': 'true' },
    go: `{{if and (exists "/ssl") (eq (getv "/ssl") "on")}}ssl{{else}}plain{{end}}
{{or (and (exists "/on") (getv "/on")) (getv "/off")}}
{{and "" "x"}}{{or "" "y"}}{{and 0 "x"}}
`,
    ours: `{{#if (and (exists "/ssl") (eq (getv "/ssl") "on"))}}ssl{{else}}plain{{/if}}
{{or (and (exists "/on") (getv "/on")) (getv "/off")}}
{{and "" "x"}}{{or "" "y"}}{{and 0 "x"}}
`,
    expected: `plain
true
y0
`,
  },
  {
    title: 'names that are those of functions',
    keys: { '/web/a/1': '10.0.0.1:80', '/web/a/2': '10.0.0.2:80', '/web/b/1': '10.0.0.3:80' },
    go: `{{range $index, $base := lsdir "/web"}}{{base $base}}:{{range $key := gets (printf "/web/%s/*" $base)}} {{$index}} {{index (split $key.Value ":") 0}} {{base .Key}}{{end}}
{{end}}`,
    ours: `{{#each (lsdir "/web") as |base index|}}{{base base}}:{{#each (gets (concat "/web/" base "/*")) as |key|}} {{index}} {{index (split key.value ":") 0}} {{base this.key}}{{/each}}
{{/each}}`,
    expected: `a: 0 10.0.0.1 1 0 10.0.0.2 2
b: 1 10.0.0.3 1
`,
  },
  {
    title: 'lists in JSON, and a name that a field has, too',
    keys: {
      '/eps/web':
        '{"subsets":[{"addresses":[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}],"ports":[{"name":"http","port":80},{"name":"grpc","port":81}]}]}',
    },
    go: `{{range $key := ls "/eps"}}
{{$data := json (getv (printf "/eps/%s" $key))}}
upstream {{$key}} {
  {{range $data.subsets}}
    {{$port := .ports}}
    {{range .addresses}}
      {{$ip := .ip}}
      {{range $port}}{{if or (eq "http" .name) (eq "http2" .name)}}server {{$ip}}:{{.port}};{{end}}{{end}}
    {{end}}
  {{end}}
}
{{end}}
`,
    ours: `{{#each (ls "/eps") as |key|}}
{{#let data=(json (getv (concat "/eps/" key)))}}
upstream {{key}} {
  {{#each data.subsets}}
    {{#let port=ports}}
    {{#each addresses}}
      {{#let ip=this.ip}}
      {{#each port}}{{#if (or (eq "http" this.name) (eq "http2" this.name))}}server {{ip}}:{{this.port}};{{/if}}{{/each}}
    {{/let}}{{/each}}
  {{/let}}{{/each}}
}
{{/let}}{{/each}}
`,
    expected: `

upstream web {
  
    
    
      
      server 10.0.0.1:80;
    
      
      server 10.0.0.2:80;
    
  
}

`,
  },
  {
    title: 'what JSON may lack, and a map of it',
    keys: {
      '/peers/a': '{"ip":"10.0.0.1","port":179,"opts":{"ttl":"2","md5":"x"}}',
      '/peers/b': '{"ip":"10.0.0.2","port":null,"opts":{}}',
      '/peers/c': '{"ip":"10.0.0.3"}',
    },
    go: `{{range gets "/peers/*"}}{{$data := json .Value}}neighbor {{$data.ip}}{{if $data.port}} port {{$data.port}}{{end}}{{if not $data.password}} open{{end}}{{with $data.opts}} ({{len .}}){{else}} plain{{end}};
{{if $data.opts}}{{range $k, $v := $data.opts}}  {{$k}} {{$v}};
{{end}}{{end}}{{end}}`,
    ours: `{{#each (gets "/peers/*")}}{{#let data=(json value)}}neighbor {{data.ip}}{{#if (index data "port")}} port {{data.port}}{{/if}}{{#if (not (index data "password"))}} open{{/if}}{{#with (or (index data "opts") false)}} ({{len this}}){{else}} plain{{/with}};
{{#if (or (index data "opts") false)}}{{#each data.opts as |v k|}}  {{k}} {{v}};
{{/each}}{{/if}}{{/let}}{{/each}}`,
    expected: `neighbor 10.0.0.1 port 179 open (2);
  md5 x;
  ttl 2;
neighbor 10.0.0.2 open plain;
neighbor 10.0.0.3 open plain;
`,
  },
  {
    title: 'another value for the same name, by a choice',
    keys: { '/port': '179', '/host/a/port': '1790', '/host/b/ip': '10.0.0.2' },
    go: `{{range lsdir "/host"}}{{$key := printf "/host/%s/port" .}}
{{- $port := ""}}
{{- if exists $key}}
{{- $port = getv $key}}
{{- else if exists "/port"}}
{{- $port = getv "/port"}}
{{- end}}
{{.}}{{if ne "" $port}} port {{$port}}{{end}}
{{end}}`,
    ours: `{{#each (lsdir "/host")}}{{#let key=(concat "/host/" this "/port")}}
{{~#let port=(or (and (exists key) (getv key)) (and (exists "/port") (getv "/port")) "")}}
{{this}}{{#if (ne "" port)}} port {{port}}{{/if}}
{{/let}}{{/let}}{{/each}}`,
    expected: `
a port 1790

b port 179
`,
  },
  {
    title: 'a backslash before a tag, and braces',
    keys: { '/dir': 'data' },
    go: `path C:\\{{getv "/dir"}}\\x \\\\{{getv "/dir"}}
{{"{{"}}staged}} { {{getv "/dir"}}}
`,
    ours: `path C:\\\\{{getv "/dir"}}\\x \\\\\\{{getv "/dir"}}
\\{{staged}} { {{getv "/dir"}}}
`,
    expected: `path C:\\data\\x \\\\data
{{staged}} { data}
`,
  },
  {
    title: 'what is piped comes last',
    keys: { '/web/a': 'x', '/web/b': 'y', '/n': '5' },
    go: `{{if ls "/web" | len | eq 2}}two{{end}} {{getv "/n" | atoi | sub 7}} {{"A" | printf "%s-%s" "b" | toLower}}
`,
    ours: `{{#if (eq 2 (len (ls "/web")))}}two{{/if}} {{sub 7 (atoi (getv "/n"))}} {{toLower (concat "b" "-" "A")}}
`,
    expected: `two 2 b-a
`,
  },
  {
    title: 'fields of what is in parentheses',
    keys: { '/mesh': '{"enabled":true,"port":179}', '/n': '5' },
    go: `{{if (json (getv "/mesh")).enabled}}{{(json (getv "/mesh")).port}}{{end}} {{(get "/n").Value}} {{(index (gets "/*") 0).Key}}
`,
    ours: `{{#if (index (json (getv "/mesh")) "enabled")}}{{index (json (getv "/mesh")) "port"}}{{/if}} {{index (get "/n") "value"}} {{index (gets "/*") 0 "key"}}
`,
    expected: `179 5 /mesh
`,
  },
  {
    title: 'Patroni: a replica by its role, another port',
    keys: {
      '/members/pg1':
        '{"conn_url":"postgres://10.0.0.1:5432/postgres","api_url":"http://10.0.0.1:8008/patroni","role":"primary"}',
      '/members/pg2':
        '{"conn_url":"postgres://10.0.0.2:5432/postgres","api_url":"http://10.0.0.2:8008/patroni","role":"replica"}',
    },
    go: `backend read
{{range gets "/members/*"}}{{ $data := json .Value }}
{{ if eq $data.role "replica" "sync_standby" }}
    server {{base .Key}} {{(index (split $data.conn_url "/") 2)}} maxconn 100 check
{{end}}{{end}}
listen pool
{{range gets "/members/*"}}{{$data := json .Value}} server {{base .Key}} {{base (replace (index (split (index (split $data.conn_url ":") 1) "/") 2) "@" "/" -1)}}:6432 check port {{index (split (index (split $data.api_url "/") 2) ":") 1}}
{{end}}`,
    ours: `backend read
{{#each (gets "/members/*")}}{{#let data=(json value)}}
{{#if (eq data.role "replica" "sync_standby")}}
    server {{base key}} {{index (split data.conn_url "/") 2}} maxconn 100 check
{{/if}}{{/let}}{{/each}}
listen pool
{{#each (gets "/members/*")}}{{#let data=(json value)}} server {{base key}} {{base (replace (index (split (index (split data.conn_url ":") 1) "/") 2) "@" "/" -1)}}:6432 check port {{index (split (index (split data.api_url "/") 2) ":") 1}}
{{/let}}{{/each}}`,
    expected: `backend read



    server pg2 10.0.0.2:5432 maxconn 100 check

listen pool
 server pg1 10.0.0.1:6432 check port 8008
 server pg2 10.0.0.2:6432 check port 8008
`,
  },
  {
    title: 'a list of addresses with remarks, keys with a default',
    keys: {
      '/router/allow': '10.0.0.0/8:office,10.1.0.1',
      '/router/gzip': '',
      '/services/blog/1': '10.0.0.1:80',
      '/services/shop/1': '10.0.0.2:80',
      '/domains/shop.example.com': 'shop',
    },
    go: `gzip {{ or (getv "/router/gzip") "off" }};
{{ $timeout := or (getv "/router/timeout" "") "1300" }}
{{/* allowed addresses */}}
{{ if exists "/router/allow" }}
{{ $allow := getv "/router/allow" }}
{{ range $entry := split $allow "," }}
{{ $detail := split $entry ":" }}
allow {{index $detail 0}};{{if eq (len $detail) 2}}  # {{index $detail 1}}{{ end }}
{{ end }}
{{ end }}
{{ $domains := ls "/domains" }}
{{ range $app := lsdir "/services" }}
{{ $upstreams := printf "/services/%s/*" $app}}
upstream {{ $app }} { {{ range gets $upstreams }}server {{ .Value }};
    {{ end }}}
{{ $all := gets $upstreams }}{{ $count := len $all }}
{{ range $domain := $domains }}{{ if eq $app (getv (printf "/domains/%s" $domain)) }}
server { server_name {{ $domain }}; {{ if ne $count 0 }}proxy_read_timeout {{ $timeout }}s;{{ else }}return 503;{{ end }} }
{{ end }}{{ end }}
{{ end }}
`,
    ours: `gzip {{or (getv "/router/gzip") "off"}};
{{#let timeout=(or (getv "/router/timeout" "") "1300")}}
{{! allowed addresses }}
{{#if (exists "/router/allow")}}
{{#let allow=(getv "/router/allow")}}
{{#each (split allow ",") as |entry|}}
{{#let detail=(split entry ":")}}
allow {{index detail 0}};{{#if (eq (len detail) 2)}}  # {{index detail 1}}{{/if}}
{{/let}}{{/each}}
{{/let}}{{/if}}
{{#let domains=(ls "/domains")}}
{{#each (lsdir "/services") as |app|}}
{{#let upstreams=(concat "/services/" app "/*")}}
upstream {{app}} { {{#each (gets upstreams)}}server {{value}};
    {{/each}}}
{{#let all=(gets upstreams)}}{{#let count=(len all)}}
{{#each domains as |domain|}}{{#if (eq app (getv (concat "/domains/" domain)))}}
server { server_name {{domain}}; {{#if (ne count 0)}}proxy_read_timeout {{timeout}}s;{{else}}return 503;{{/if}} }
{{/if}}{{/each}}
{{/let}}{{/let}}{{/let}}{{/each}}
{{/let}}{{/let}}`,
    expected: `gzip off;






allow 10.0.0.0/8;  # office


allow 10.1.0.1;





upstream blog { server 10.0.0.1:80;
    }




upstream shop { server 10.0.0.2:80;
    }


server { server_name shop.example.com; proxy_read_timeout 1300s; }


`,
  },
  {
    title: 'commas between items, the last one known by its number',
    keys: { '/zk/1': '10.0.0.1', '/zk/2': '10.0.0.2', '/zk/3': '10.0.0.3' },
    go: `{{range $i, $ip := getvs "/zk/*"}}{{if $i}},{{end}}{{$ip}}{{end}}
{{$all := gets "/zk/*"}}{{$n := len $all}}{{range $i, $e := $all}}{{base $e.Key}}={{.Value}}{{if lt (add $i 1) $n}}; {{end}}{{end}}
`,
    ours: `{{#each (getvs "/zk/*") as |ip i|}}{{#if i}},{{/if}}{{ip}}{{/each}}
{{#let all=(gets "/zk/*")}}{{#let n=(len all)}}{{#each all as |e i|}}{{base e.key}}={{value}}{{#if (lt (add i 1) n)}}; {{/if}}{{/each}}
{{/let}}{{/let}}`,
    expected: `10.0.0.1,10.0.0.2,10.0.0.3
1=10.0.0.1; 2=10.0.0.2; 3=10.0.0.3
`,
  },
  {
    title: 'range with break and continue',
    keys: { '/zk/1': 'a', '/zk/2': 'b', '/zk/3': 'c' },
    go: `{{range getvs "/zk/*"}}{{if eq . "a"}}{{continue}}{{end}}{{.}}{{end}}
`,
    ours: `{{#each (getvs "/zk/*")}}{{#if (ne this "a")}}{{this}}{{/if}}{{/each}}
`,
    expected: `bc
`,
  },
]
