import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ClusterConfig, DcsConfig } from '../../../src/config/config.ts'
import type { Environment } from '../../../src/config/env.ts'
import { prefixOf } from '../../../src/watcher/dcs/scopes.ts'
import { TempDir } from '../../support/files/temp.ts'
import { readConfig } from '../../support/router/load-config.ts'
import { type ConsulConfig, NAME as CONSUL } from '../../../src/watcher/dcs/consul/section.ts'
import { isEtcd2 } from '../../../src/watcher/dcs/etcd/section.ts'
import { isEtcd3 } from '../../../src/watcher/dcs/etcd3/section.ts'

/** What Debian's Patroni makes of a configuration (test/support/patroni/reading.py). */
type Reading = { readonly error: string } | Readonly<Record<string, unknown>>

/**
 * `same`: both read the same. `refused`: Patroni reads it, the router says what is wrong. `lenient`: Patroni fails or would
 * connect to no address, and the router reads it. `neither`: both fail.
 */
type Verdict = 'same' | 'refused' | 'lenient' | 'neither'

interface Case {
  readonly verdict: Verdict
  /** The file, or the files of a directory. */
  readonly text: string | Readonly<Record<string, string>>
  readonly env?: Environment
}

const BASE = 'scope: demo\nname: pg1\n'
const ETCD = `${BASE}etcd3: {hosts: 'h:1'}\n`

function etcd3(section: string, verdict: Verdict, env: Environment = {}): Case {
  return { verdict, text: `${BASE}etcd3: ${section}\n`, env }
}

function consul(section: string, verdict: Verdict, env: Environment = {}): Case {
  return { verdict, text: `${BASE}consul: ${section}\n`, env }
}

function file(text: string | Readonly<Record<string, string>>, verdict: Verdict, env: Environment = {}): Case {
  return { verdict, text, env }
}

function variables(env: Environment, verdict: Verdict): Case {
  return { verdict, text: ETCD, env }
}

const CASES: readonly Case[] = [
  // Addresses.
  etcd3(`{hosts: 'a:1,b:2'}`, 'same'),
  etcd3(`{hosts: ' a:1 , b:2 '}`, 'same'),
  etcd3(`{hosts: [a:1, b:2]}`, 'same'),
  etcd3(`{hosts: [' a:1', 'b']}`, 'same'),
  etcd3(`\n    hosts:\n    - a:1\n    - b:2\n`, 'same'),
  etcd3(`{hosts: [a, b], port: 2380}`, 'same'),
  etcd3(`{hosts: [a, b:1], port: '2380'}`, 'same'),
  etcd3(`{hosts: ['::1:2579', '2001:db8::10:2379', '2001:db8:0:0:0:0:0:12:2379']}`, 'same'),
  etcd3(`{hosts: '::1:2579,[fd00::1]:2380'}`, 'same'),
  etcd3(`{hosts: ['[::1]']}`, 'lenient'),
  etcd3(`{hosts: ['::1']}`, 'neither'),
  etcd3(`{hosts: ['fd00::2']}`, 'neither'),
  etcd3(`{hosts: ['2001:db8:0:0:0:0:0:12']}`, 'neither'),
  etcd3(`{hosts: ['fd00::a:b']}`, 'neither'),
  etcd3(`{hosts: ['http://a:1']}`, 'lenient'),
  etcd3(`{hosts: 'https://a:1'}`, 'lenient'),
  etcd3(`{host: 'https://a:1'}`, 'lenient'),
  etcd3(`{hosts: [a:1, 5]}`, 'refused'),
  etcd3(`{hosts: ['a: 1']}`, 'refused'),
  etcd3(`{hosts: 'a:1,'}`, 'neither'),
  etcd3(`{hosts: 'a:1 b:2'}`, 'neither'),
  etcd3(`{hosts: ['a:1,b:2']}`, 'lenient'),
  etcd3(`{hosts: 5}`, 'neither'),
  etcd3(`{hosts: []}`, 'neither'),
  etcd3(`{host: a}`, 'same'),
  etcd3(`{host: 'a:1'}`, 'same'),
  etcd3(`{host: 'a:1', port: 2}`, 'same'),
  etcd3(`{host: 'a', port: 2380}`, 'same'),
  etcd3(`{host: '::1:2579'}`, 'same'),
  etcd3(`{host: 'fd00::1:2579', port: 2}`, 'same'),
  etcd3(`{host: '::1', port: 2379}`, 'neither'),
  etcd3(`{host: 'a', port: '2380'}`, 'refused'),
  etcd3(`{host: [a]}`, 'neither'),
  etcd3(`{hosts: 'h:1', host: 'o:1'}`, 'same'),
  etcd3(`{url: 'http://a:1', hosts: 'h:1'}`, 'lenient'),
  etcd3(`{url: 'http://a:1', host: 'h:1'}`, 'same'),
  etcd3(`{url: 'HTTP://a:1/v3/?x#y'}`, 'same'),
  etcd3(`{url: 'https://a/'}`, 'same'),
  etcd3(`{url: 'http://[::1]:2380'}`, 'same'),
  etcd3(`{url: 'http://::1:2380'}`, 'neither'),
  etcd3(`{url: 'http://a:1', port: '2'}`, 'same'),
  etcd3(`{url: 'http://u:p/w@a:1'}`, 'neither'),
  etcd3(`{url: 'http://u:1/w@a:1'}`, 'refused'),
  etcd3(`{url: 'a:2379'}`, 'neither'),
  etcd3(`{url: 'http://u:p@a:1'}`, 'same'),
  etcd3(`{url: 'http://u:p@x%40@a:1', username: x, password: y}`, 'same'),
  etcd3(`{url: 'http://a:1', username: x, password: y}`, 'same'),
  etcd3(`{proxy: 'http://p:1', url: 'http://a:1', hosts: h}`, 'same'),
  // DNS.
  etcd3(`{srv: example.org}`, 'same'),
  etcd3(`{srv: example.org, srv_suffix: main}`, 'same'),
  etcd3(`{srv: example.org, hosts: 'h:1'}`, 'same'),
  etcd3(`{srv: example.org, url: 'https://u:p@h:1', cacert: /ca}`, 'same'),
  etcd3(`{srv: a.org, discovery_srv: b.org}`, 'same'),
  etcd3(`{srv_domain: c.org, srv: a.org, discovery_srv: b.org}`, 'same'),
  etcd3(`{srv: a.org, proxy: 'http://p:1'}`, 'same'),
  etcd3(`{srv: a.org, cacert: /ca}`, 'same'),
  etcd3(`{srv: '', hosts: 'h:1'}`, 'same'),
  etcd3(`{hosts: a, use_proxies: yes}`, 'same'),
  etcd3(`{hosts: a, use_proxies: 'false'}`, 'refused'),
  etcd3(`{hosts: a, use_proxies: 1}`, 'refused'),
  // Access.
  etcd3(`{hosts: a, username: u, password: p}`, 'same'),
  etcd3(`{hosts: a, username: u}`, 'refused'),
  etcd3(`{hosts: a, username: u, password: 1234}`, 'refused'),
  etcd3(`{hosts: a, username: '', password: ''}`, 'same'),
  etcd3(`{hosts: a, protocol: https, cacert: /ca, cert: /c, key: /k}`, 'same'),
  etcd3(`{hosts: a, protocol: https, ca_cert: /ca}`, 'same'),
  etcd3(`{hosts: a, protocol: https, cacert: /ca, ca_cert: /other}`, 'same'),
  etcd3(`{hosts: a, protocol: https, cacert: '', ca_cert: /other}`, 'same'),
  etcd3(`{hosts: a, protocol: https, key: /k}`, 'same'),
  etcd3(`{hosts: a, cacert: /ca}`, 'same'),
  etcd3(`{hosts: a, protocol: HTTPS}`, 'refused'),
  // Another DCS.
  ...[`{host: 'a:1'}`, `{hosts: 'a:1,b:2'}`, `{hosts: [a, b], protocol: https, username: u, password: p}`].map(
    (section) => file(`${BASE}etcd: ${section}\n`, 'same'),
  ),
  file(`${BASE}etcd: {srv: example.org}\n`, 'same'),
  file(`${BASE}etcd: {}\n`, 'neither'),
  file(`${BASE}etcd: {hosts: 'b:1'}\netcd3: {hosts: 'a:1'}\n`, 'same'),
  file(`${BASE}consul:\netcd3: {hosts: 'a:1'}\n`, 'same'),
  file(`${BASE}consul:\n`, 'neither'),
  file(`${BASE}etcd3: {hosts: 'a:1', namespace: x}\nconsul: {host: 'c:1'}\netcd: {hosts: 'b:1'}\n`, 'same'),
  consul(`{}`, 'same'),
  consul(`{host: a}`, 'same'),
  consul(`{host: 'a:1', register_service: true, service_tags: [x], checks: []}`, 'same'),
  consul(`{host: 'a:1', port: 2}`, 'same'),
  consul(`{host: 'a', port: '8501'}`, 'same'),
  consul(`{host: ''}`, 'same'),
  consul(`{host: 'a', port: ''}`, 'same'),
  consul(`{host: 'a:1', port: }`, 'refused'),
  consul(`{port: 8501}`, 'same'),
  consul(`{host: '[::1]:1'}`, 'same'),
  consul(`{host: 'fd00::1:8501'}`, 'same'),
  consul(`{host: '[::1]'}`, 'lenient'),
  consul(`{host: '::1'}`, 'neither'),
  consul(`{host: 'http://a:1'}`, 'neither'),
  consul(`{host: 5}`, 'neither'),
  consul(`{host: a, scheme: HTTPS}`, 'same'),
  consul(`{host: a, scheme: tls}`, 'neither'),
  consul(`{url: 'http://a:1/path', host: b, port: 3, scheme: https}`, 'same'),
  consul(`{url: 'https://u:p@a'}`, 'same'),
  consul(`{url: 'https://[fd00::1]'}`, 'same'),
  consul(`{url: ''}`, 'same'),
  consul(`{url: '', host: a}`, 'refused'),
  consul(`{url: , scheme: https}`, 'refused'),
  consul(`{url: 'a:1'}`, 'neither'),
  consul(`{token: t0ken, dc: dc1, consistency: stale}`, 'same'),
  consul(`{token: '', dc: , consistency: ''}`, 'same'),
  consul(`{consistency: Stale}`, 'neither'),
  consul(`{token: 5}`, 'refused'),
  consul(`{namespace: /x/y/}`, 'same'),
  ...['false', `'off'`, '0', '1', 'yes', 'perhaps', `''`].map((value) =>
    consul(`{scheme: https, verify: ${value}}`, 'same'),
  ),
  consul(`{scheme: https, verify: no, cacert: /ca, ca_cert: /b}`, 'same'),
  consul(`{scheme: https, ca_cert: /b, cert: /c, key: /k}`, 'same'),
  consul(`{scheme: https, cert: /c}`, 'same'),
  consul(`{scheme: https, key: /k}`, 'same'),
  consul(`{cacert: /ca, cert: /c, key: /k}`, 'same'),
  consul(`{host: a}`, 'same', { CONSUL_HTTP_ADDR: 'e:1' }),
  consul(`{url: 'https://a:2'}`, 'same', { CONSUL_HTTP_ADDR: 'e:1' }),
  consul(`{host: a}`, 'lenient', { CONSUL_HTTP_ADDR: 'http://e:1' }),
  consul(`{host: a}`, 'lenient', { CONSUL_HTTP_ADDR: 'e' }),
  consul(`{}`, 'lenient', { CONSUL_HTTP_ADDR: 'http://e:1' }),
  consul(`{}`, 'neither', { CONSUL_HTTP_ADDR: 'e' }),
  consul(`{}`, 'neither', { CONSUL_HTTP_ADDR: 'http://e' }),
  consul(`{host: a}`, 'same', { CONSUL_HTTP_ADDR: '' }),
  ...['true', 'false'].flatMap((value) => [
    consul(`{host: a}`, 'same', { CONSUL_HTTP_SSL: value }),
    consul(`{url: 'https://a:1'}`, 'same', { CONSUL_HTTP_SSL: value }),
    consul(`{scheme: https}`, 'same', { CONSUL_HTTP_SSL_VERIFY: value }),
    consul(`{scheme: https, verify: no}`, 'same', { CONSUL_HTTP_SSL_VERIFY: value }),
    consul(`{scheme: https, cacert: /ca}`, 'same', { CONSUL_HTTP_SSL_VERIFY: value }),
  ]),
  ...['', '1', 'TRUE', 'no'].flatMap((value) => [
    consul(`{scheme: https}`, 'refused', { CONSUL_HTTP_SSL: value }),
    consul(`{scheme: http}`, 'same', { CONSUL_HTTP_SSL: value }),
    consul(`{scheme: https, verify: yes}`, 'refused', { CONSUL_HTTP_SSL_VERIFY: value }),
    consul(`{scheme: https, verify: no}`, 'same', { CONSUL_HTTP_SSL_VERIFY: value }),
  ]),
  consul(`{token: t}`, 'same', { CONSUL_HTTP_TOKEN: 'e' }),
  consul(`{}`, 'same', { CONSUL_HTTP_TOKEN: 'e' }),
  consul(`{token: t}`, 'same', { CONSUL_HTTP_TOKEN: '' }),
  consul(`{host: a}`, 'same', { PATRONI_CONSUL_SCHEME: 'https', PATRONI_CONSUL_PORT: 'tcp://10.0.0.1:8500' }),
  consul(`{host: a}`, 'same', {
    ...{ PATRONI_CONSUL_HOST: 'e:1', PATRONI_CONSUL_TOKEN: 't', PATRONI_CONSUL_VERIFY: 'off', PATRONI_CONSUL_DC: 'd' },
    ...{
      PATRONI_CONSUL_CONSISTENCY: 'stale',
      PATRONI_CONSUL_NAMESPACE: '/n/',
      PATRONI_CONSUL_REGISTER_SERVICE: 'maybe',
    },
  }),
  consul(`{host: a}`, 'same', { PATRONI_CONSUL_URL: 'https://e:1', PATRONI_CONSUL_CACERT: '/ca' }),
  // Which cluster.
  file(`${ETCD}namespace: teams\n`, 'same'),
  file(`${ETCD}namespace: //teams//a/\n`, 'same'),
  file(`${ETCD}namespace: /\n`, 'same'),
  file(`${ETCD}namespace: ''\n`, 'lenient'),
  file(`${ETCD}namespace: 5\n`, 'neither'),
  etcd3(`{hosts: a, namespace: /teams/}`, 'same'),
  etcd3(`{hosts: a, namespace: ''}`, 'same'),
  etcd3(`{hosts: a, group: 5}`, 'refused'),
  etcd3(`{hosts: ['[fe80::1%eth0]:1', 'fe80::1%eth0:2']}`, 'same'),
  file(`${BASE}namespace: x\netcd3: {hosts: a, namespace: y}\n`, 'same'),
  file(`etcd3: {hosts: a}\nscope: 5\n`, 'neither'),
  file(`etcd3: {hosts: a}\nscope: no\n`, 'neither'),
  file(`etcd3: {hosts: a}\nscope: 0x1F\n`, 'neither'),
  file(`etcd3: {hosts: a}\nscope: 08:30\n`, 'same'),
  file(`etcd3: {hosts: a}\nscope: 2001-1-1\n`, 'same'),
  file(`etcd3: {hosts: a}\nscope: 2001-01-01\n`, 'neither'),
  file(`etcd3: {hosts: a}\nscope: /demo\n`, 'same'),
  file(`etcd3: {hosts: a}\nscope: demo\npostgresql: {name: pg7}\n`, 'same'),
  file(`etcd3: {hosts: a}\nscope: demo\nname: pg1\npostgresql: {name: pg7}\n`, 'same'),
  file(`${ETCD}citus: {group: 2, database: c}\n`, 'same'),
  file(`${ETCD}citus: {group: 0, database: ''}\n`, 'same'),
  file(`${ETCD}citus: {group: '2', database: c}\n`, 'refused'),
  file(`${ETCD}citus: {group: 02, database: c}\n`, 'same'),
  file(`${ETCD}citus: {database: c}\n`, 'same'),
  file(`${ETCD}citus: {group: 2}\npostgresql: {}\n`, 'same'),
  file(`${ETCD}citus: [2]\n`, 'refused'),
  // Which DCS.
  file(`${ETCD}etcd: {hosts: a}\n`, 'same'),
  file(`${ETCD}etcd: {}\n`, 'neither'),
  file(`${ETCD}etcd:\n`, 'same'),
  file(`${ETCD}etcd: no\n`, 'neither'),
  file(`${ETCD}raft: {}\nzookeeper: {}\nexhibitor: {}\n`, 'same'),
  file(`${BASE}etcd3:\n`, 'neither'),
  file(`${BASE}etcd3: {}\n`, 'neither'),
  // The members' REST API.
  file(`${ETCD}ctl: {insecure: on, cacert: /a, certfile: /b, keyfile: /c, keyfile_password: d}\n`, 'same'),
  file(`${ETCD}ctl: {keyfile: /c, keyfile_password: d}\n`, 'same'),
  file(`${ETCD}ctl: {cacert: ''}\nrestapi: {cafile: /r}\n`, 'same'),
  file(`${ETCD}ctl: {insecure: 'yes'}\n`, 'refused'),
  file(`${ETCD}ctl:\nrestapi:\n`, 'same'),
  file(`${ETCD}ctl: no\n`, 'refused'),
  // YAML.
  file(`\ufeff${ETCD}`, 'same'),
  file(ETCD.replaceAll('\n', '\r\n'), 'same'),
  file(ETCD.replaceAll('\n', '\r'), 'same'),
  file(ETCD.replaceAll('\n', '\u0085'), 'same'),
  file(`${ETCD}x-a: \u2028b\n`, 'neither'),
  file(`${ETCD}# \u0007\n`, 'neither'),
  file(`${ETCD}x-a: "\u007f"\n`, 'neither'),
  file(`${ETCD}x-a: &a [*a]\n`, 'refused'),
  file(`${BASE}etcd3: &a {hosts: a, x: *a}\n`, 'refused'),
  file(`%YAML 1.1\n---\n${ETCD}...\n`, 'same'),
  file(`${ETCD}---\nscope: b\n`, 'neither'),
  file(`${ETCD}scope: other\n`, 'same'),
  file(`x: &a {hosts: 'm:1', protocol: https}\n${BASE}etcd3: {<<: *a}\n`, 'refused'),
  file(`x-a: &a {hosts: 'm:1', protocol: https}\n${BASE}etcd3: {<<: *a, protocol: http}\n`, 'same'),
  file(`.a: &a {hosts: 'm:1'}\n.b: &b {protocol: https, hosts: x}\n${BASE}etcd3:\n  <<: [*a, *b]\n`, 'same'),
  file(`.a: &a [{hosts: 'm:1'}, {protocol: https, hosts: x}]\n${BASE}etcd3: {<<: *a}\n`, 'same'),
  file(`x-a: &a [m:1, n:1]\n${BASE}etcd3: {<<: *a, hosts: a}\n`, 'neither'),
  file(`${BASE}etcd3: {<<: , hosts: a}\n`, 'neither'),
  file(`${ETCD}? [a]\n: 1\n`, 'neither'),
  file(`${ETCD}tags: {no: 1, 010: 2}\n`, 'same'),
  file(`${BASE}etcd3:\n\thosts: a\n`, 'neither'),
  file(`${BASE}etcd3: {hosts:\ta}\n`, 'lenient'),
  file(`${BASE}etcd3: {hosts: a, port: 0x94b}\n`, 'same'),
  file(`${BASE}etcd3: {hosts: a, port: 04513}\n`, 'same'),
  file(`${BASE}etcd3: {hosts: a, port: 2_379}\n`, 'same'),
  file(`${BASE}etcd3: {hosts: a, use_proxies: Off}\n`, 'same'),
  file(`${BASE}etcd3: {hosts: a, use_proxies: y}\n`, 'refused'),
  file(`scope: {{ x }}\n`, 'neither'),
  file(`- a\n`, 'neither'),
  // A directory.
  file({ '00.yml': 'scope: a\nname: x\netcd3: {hosts: a, protocol: https}\n', '10.yaml': 'name: y\n' }, 'same'),
  file({ '00.yml': ETCD, '10.yml': 'etcd3: {hosts: [b, c], cacert: /x}\nnamespace: n\n' }, 'same'),
  file({ '10.yml': ETCD, '00.yml': 'etcd3: {hosts: b}\nscope: other\n', '.hidden.yml': 'namespace: h\n' }, 'same'),
  file({ '00.yml': `${ETCD}ctl: {insecure: yes}\n`, '10.yml': 'ctl:\n', 'x.YML': 'scope: no\n' }, 'same'),
  file({ '00.yml': `${ETCD}etcd: {hosts: a}\n`, '10.yml': 'etcd:\n' }, 'same'),
  file({ '00.yml': ETCD, '10.yml': 'etcd3: {hosts: , host: b}\n' }, 'same'),
  file({ '00.yml': ETCD, '10.yml': 'etcd3: text\n' }, 'neither'),
  file({ '00.yml': `${BASE}etcd3: {hosts: a, port: '5'}\n`, '10.yml': 'etcd3: {port: 5}\n' }, 'same'),
  file({ '00.yml': ETCD, '10.yml': '- a\n' }, 'neither'),
  file({ '00.yml': ETCD, '10.yml': '# nothing\n' }, 'lenient'),
  file({ '00.yml': ETCD, other: '', 'readme.txt': '[' }, 'same'),
  // The environment over the file.
  variables({ PATRONI_SCOPE: 'e', PATRONI_NAMESPACE: '/n/', PATRONI_NAME: 'pg9' }, 'same'),
  variables({ PATRONI_SCOPE: '', PATRONI_NAMESPACE: '', PATRONI_NAME: '' }, 'same'),
  variables({ patroni_scope: 'e', PATRONI_scope: 'f' }, 'same'),
  variables({ PATRONI_ETCD3_HOSTS: `'a:1','b:2'` }, 'same'),
  variables({ PATRONI_ETCD3_HOSTS: 'a:1,b:2' }, 'same'),
  variables({ PATRONI_ETCD3_HOSTS: '[a:1, b:2]' }, 'same'),
  variables({ PATRONI_ETCD3_HOSTS: '- a:1\n- b:2' }, 'same'),
  variables({ PATRONI_ETCD3_HOSTS: ' a:1 , b ' }, 'same'),
  variables({ PATRONI_ETCD3_HOSTS: `'::1:2579'` }, 'same'),
  variables({ PATRONI_ETCD3_HOSTS: '::1:2579,fd00::1:2379' }, 'refused'),
  variables({ PATRONI_ETCD3_HOSTS: 'fd00::1:2379' }, 'same'),
  variables({ PATRONI_ETCD3_HOSTS: `'[::1]:2579','[::2]:2579'` }, 'refused'),
  variables({ PATRONI_ETCD3_HOSTS: '[::1]:2579,[::2]:2579' }, 'refused'),
  variables({ PATRONI_ETCD3_HOSTS: '' }, 'neither'),
  variables({ PATRONI_etcd3_HOSTS: 'a:1' }, 'same'),
  variables({ PATRONI_ETCD3_hosts: 'a:1' }, 'same'),
  variables({ PATRONI_ETCD3_HOST: 'a:1' }, 'same'),
  variables({ PATRONI_ETCD3_URL: 'http://a:1' }, 'lenient'),
  variables({ PATRONI_ETCD3_PROXY: 'http://a:1' }, 'same'),
  variables({ PATRONI_ETCD3_PORT: '5', PATRONI_ETCD3_HOSTS: 'a' }, 'same'),
  variables({ PATRONI_ETCD3_PORT: '0x5', PATRONI_ETCD3_HOSTS: 'a' }, 'refused'),
  variables({ PATRONI_ETCD3_PORT: 'tcp://10.0.0.1:2379', PATRONI_ETCD3_SERVICE_HOST: '10.0.0.1' }, 'same'),
  variables({ PATRONI_ETCD3_USE_PROXIES: 'ON' }, 'same'),
  variables({ PATRONI_ETCD3_USE_PROXIES: 'maybe' }, 'refused'),
  variables({ PATRONI_ETCD3_PROTOCOL: 'https', PATRONI_ETCD3_CACERT: '/c', PATRONI_ETCD3_CERT: '/d' }, 'same'),
  variables({ PATRONI_ETCD3_USERNAME: 'u', PATRONI_ETCD3_PASSWORD: 'p', PATRONI_ETCD3_HOST: 'x' }, 'same'),
  variables({ PATRONI_ETCD3_NAMESPACE: '/n/' }, 'same'),
  variables({ PATRONI_ETCD3_NAMESPACE: '' }, 'refused'),
  variables({ PATRONI_ETCD3_NAMESPACE: '', PATRONI_NAMESPACE: '/n/' }, 'same'),
  variables({ PATRONI_SCOPE: '/e' }, 'same'),
  variables({ PATRONI_ETCD_HOSTS: 'a:1' }, 'same'),
  variables({ PATRONI_ETCD_HOSTS: '' }, 'neither'),
  variables({ PATRONI_etcd_URL: 'http://a:1' }, 'same'),
  variables({ PATRONI_ETCD_PORT: 'tcp://10.0.0.1:2379', PATRONI_ETCD_SERVICE_HOST: '10.0.0.1' }, 'same'),
  variables({ PATRONI_ETCD_USERNAME: 'a', PATRONI_ETCD_PASSWORD: 'b', PATRONI_ETCD_CLIENT_PORT: '1' }, 'same'),
  variables({ PATRONI_SERVICE_HOST: 'a', PATRONI_PORT: 'tcp://a', PATRONI_SERVICE_PORT: '5432' }, 'same'),
  variables({ PATRONI_CITUS_GROUP: '2', PATRONI_CITUS_DATABASE: 'c' }, 'same'),
  variables({ PATRONI_CITUS_GROUP: '', PATRONI_CITUS_DATABASE: '' }, 'same'),
  variables({ PATRONI_CITUS_GROUP: 'x', PATRONI_CITUS_DATABASE: 'c' }, 'refused'),
  variables({ PATRONI_CTL_INSECURE: 'Yes', PATRONI_CTL_CACERT: '/a', PATRONI_CTL_CERTFILE: '/b' }, 'same'),
  variables({ PATRONI_CTL_INSECURE: '', PATRONI_CTL_CACERT: '' }, 'same'),
  variables({ PATRONI_CTL_INSECURE: 'x' }, 'refused'),
  variables({ PATRONI_RESTAPI_CAFILE: '/r', PATRONI_CTL_KEYFILE: '/k', PATRONI_CTL_KEYFILE_PASSWORD: 'p' }, 'same'),
  variables({ PATRONI_CONFIGURATION: 'scope: whole\netcd3: {hosts: w}' }, 'same'),
  file(`${BASE}etcd3: {hosts: a, cacert: /c, protocol: https}\n`, 'refused', { PATRONI_ETCD3_CACERT: '' }),
  file(`${BASE}etcd3: {hosts: a, username: u, password: p}\n`, 'refused', { PATRONI_ETCD3_PASSWORD: 'q' }),
  file(`${ETCD}citus: {group: '2', database: c}\n`, 'refused', { PATRONI_CITUS_GROUP: '2' }),
  file(`${ETCD}citus:\nctl:\n`, 'same', { PATRONI_CITUS_GROUP: '2', PATRONI_CITUS_DATABASE: 'c' }),
]

/** Without a file. */
const ALONE: readonly (readonly [env: Environment, verdict: Verdict])[] = [
  [{ PATRONI_SCOPE: 'a', PATRONI_NAME: 'b', PATRONI_ETCD3_HOSTS: 'a:1' }, 'same'],
  [{ PATRONI_SCOPE: 'a', PATRONI_ETCD3_HOSTS: 'a:1', PATRONI_ETCD_HOSTS: 'b:1' }, 'same'],
  [
    { PATRONI_SCOPE: 'a', PATRONI_ETCD_HOSTS: "'a:1','b:1'", PATRONI_ETCD_USERNAME: 'u', PATRONI_ETCD_PASSWORD: 'p' },
    'same',
  ],
  [{ PATRONI_SCOPE: 'a', PATRONI_CONSUL_HOST: 'a', PATRONI_ETCD3_HOSTS: 'a:1', PATRONI_CONSUL_PORT: '8501' }, 'same'],
  [{ PATRONI_SCOPE: 'a', PATRONI_ETCD_PASSWORD: 'p' }, 'neither'],
  [{ PATRONI_SCOPE: 'a', PATRONI_ETCD_SRV: 'a.org', PATRONI_ETCD_SRV_SUFFIX: 'x' }, 'same'],
  [{ PATRONI_CONFIGURATION: `${BASE}consul:\n` }, 'same'],
  [{ PATRONI_CONFIGURATION: `${BASE}consul: {token: x}\n`, CONSUL_HTTP_ADDR: 'e:1' }, 'same'],
  [{ PATRONI_SCOPE: 'a', PATRONI_ETCD3_HOSTS: '::1:1,[::2]:2' }, 'same'],
  [{ PATRONI_SCOPE: 'a', PATRONI_ETCD3_HOSTS: '[::1]:1,[::2]:2' }, 'lenient'],
  [{ PATRONI_CONFIGURATION: ETCD }, 'same'],
  [{ PATRONI_CONFIGURATION: ETCD, PATRONI_SCOPE: 'x', PATRONI_ETCD_HOSTS: 'a', PATRONI_ETCD3_HOSTS: 'b' }, 'same'],
  [{ PATRONI_CONFIGURATION: `${ETCD}etcd:\n` }, 'neither'],
  [{ PATRONI_CONFIGURATION: `${ETCD}ctl:\nrestapi:\n` }, 'same'],
  [{ PATRONI_CONFIGURATION: '{}', PATRONI_SCOPE: 'a', PATRONI_ETCD3_HOSTS: 'a:1' }, 'same'],
  [{ PATRONI_CONFIGURATION: '', PATRONI_SCOPE: 'a', PATRONI_ETCD3_HOSTS: 'a:1' }, 'same'],
  [{ PATRONI_CONFIGURATION: 'scope: a' }, 'neither'],
  [{ PATRONI_CONFIGURATION: '[' }, 'neither'],
]

let dir: TempDir
let answers: readonly Reading[] = []
const MISSING = '/nonexistent/patroni.yml'
const all = [...CASES, ...ALONE.map(([env, verdict]): Case => ({ verdict, text: '', env }))]

function pathOf(index: number): string {
  return index < CASES.length ? join(dir.path, String(index), 'patroni.yml') : MISSING
}

before(() => {
  dir = TempDir.create('parity')
  CASES.forEach(({ text }, index) => {
    const path = pathOf(index)
    mkdirSync(typeof text === 'string' ? dirname(path) : path, { recursive: true })
    if (typeof text === 'string') writeFileSync(path, text)
    else for (const [name, part] of Object.entries(text)) writeFileSync(join(path, name), part)
  })
  const input = JSON.stringify(all.map(({ env = {} }, index) => ({ path: pathOf(index), env })))
  const script = join(import.meta.dirname, '../../support/patroni/reading.py')
  answers = JSON.parse(execFileSync('/usr/bin/python3', [script], { input, encoding: 'utf8' })) as Reading[]
})
after(async () => dir.remove())

for (const [index, { verdict, text, env = {} }] of all.entries())
  test(`${verdict}: ${JSON.stringify(text)} ${JSON.stringify(env)}`, async () => {
    const theirs = answers[index] ?? { error: 'no answer' }
    const ours = await read(pathOf(index), env)
    const found = 'error' in theirs ? ('error' in ours ? 'neither' : 'lenient') : 'error' in ours ? 'refused' : 'same'
    assert.equal(found, verdict, JSON.stringify({ theirs, ours }))
    if (found === 'same') assert.deepEqual(ours, theirs)
  })

async function read(path: string, env: Environment): Promise<Reading> {
  const source = path === MISSING ? { configFlag: null, defaultFile: path } : { configFlag: path }
  const result = await readConfig({ ...source, env })
  if (!result.ok) return { error: result.problems.map(({ message }) => message).join('; ') }
  const [cluster] = result.config.clusters
  return cluster === undefined ? { error: 'no cluster' } : readingOf(cluster)
}

function readingOf({ scope, namespace, citusGroup, localMember, dcs, restApi }: ClusterConfig): Reading {
  const plain = {
    name: localMember,
    dcs: dcs.kind,
    path: prefixOf({ namespace, scope, citusGroup }),
    rest: [restApi.caFile, restApi.certFile, restApi.keyFile, restApi.keyPassword],
    insecure: restApi.insecure,
  }
  if (isConsul(dcs)) {
    const { endpoint, protocol, token, verify, caFile, certFile, keyFile, dc, consistency } = dcs
    return {
      ...{ ...plain, addresses: [`${protocol}://${endpoint}`], token },
      ...{ verify: protocol === 'https' ? verify : null, files: [caFile, certFile, keyFile], dc, consistency },
    }
  }
  if (!isEtcd3(dcs) && !isEtcd2(dcs)) return { error: dcs.kind }
  const { endpoints, srv, protocol, useProxies, auth, caFile, certFile, keyFile } = dcs
  return {
    ...plain,
    srv: srv === null ? null : [srv.domain, srv.suffix],
    addresses: endpoints.map((endpoint) => `${protocol}://${endpoint}`),
    useProxies,
    login: auth === null ? null : [auth.username, auth.password],
    files: [caFile, certFile, keyFile],
  }
}

function isConsul(dcs: DcsConfig): dcs is ConsulConfig {
  return dcs.kind === CONSUL
}
