/** Kubeconfigs, as kubectl writes them and people change them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ContextChoice, parseKubeconfig } from '../../../../../src/watcher/dcs/kubernetes/kubeconfig.ts'

const FILE = '/home/me/.kube/config'

function config({ cluster = 'server: https://10.0.0.1:6443', user = 'token: s3cret', current = 'one' } = {}): string {
  return [
    'apiVersion: v1',
    'kind: Config',
    `current-context: ${current}`,
    'contexts:',
    '- {name: one, context: {cluster: c1, user: u1, namespace: ignored}}',
    '- {name: two, context: {cluster: c2, user: u1}}',
    'clusters:',
    `- name: c1\n  cluster: {${cluster}}`,
    `- name: c2\n  cluster: {server: 'https://[fd00::1]:6443/k8s/clusters/c-1/'}`,
    'users:',
    `- name: u1\n  user: {${user}}`,
  ].join('\n')
}

function choice(name: string | null): ContextChoice | null {
  return name === null ? null : { name, hint: 'correct kubernetes.context' }
}

function message(text: string, context: string | null = null): string {
  const parsed = parseKubeconfig(text, FILE, choice(context))
  assert.ok(!parsed.ok, 'it is accepted')
  assert.ok(!parsed.message.includes('s3cret'), parsed.message)
  return parsed.message
}

function access(options: Parameters<typeof config>[0] = {}, context: string | null = null) {
  const parsed = parseKubeconfig(config(options), FILE, choice(context))
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.message)
  return parsed.value
}

describe('a kubeconfig', () => {
  test('has the server of its current context, or of the one that is configured', () => {
    const { protocol, endpoint, base, verifies, login } = access()
    assert.deepEqual(
      { protocol, endpoint, base, verifies, login },
      {
        ...{ protocol: 'https', endpoint: '10.0.0.1:6443', base: '', verifies: true },
        login: { kind: 'token', token: 's3cret' },
      },
    )
    const two = access({}, 'two')
    assert.deepEqual([two.endpoint, two.base], ['[fd00::1]:6443', '/k8s/clusters/c-1'])
  })

  test('has the port of its scheme where it names none', () => {
    assert.equal(access({ cluster: 'server: https://k8s.example.org' }).endpoint, 'k8s.example.org:443')
    assert.deepEqual(
      [access({ cluster: 'server: http://a' })].map(({ protocol, endpoint }) => [protocol, endpoint]),
      [['http', 'a:80']],
    )
  })

  test('has certificates in files, from its own directory on, or in itself, which goes over these', () => {
    const files = access({
      cluster: 'server: https://a, certificate-authority: ca.crt',
      user: 'client-certificate: /c.crt, client-key: ../c.key',
    }).certificates
    assert.deepEqual(
      [files.caFile, files.certFile, files.keyFile],
      ['/home/me/.kube/ca.crt', '/c.crt', '/home/me/c.key'],
    )
    const inline = access({
      cluster: 'server: https://a, certificate-authority: ca.crt, certificate-authority-data: Q0E=',
      user: 'client-certificate-data: Q0VSVA==, client-key-data: S0VZ',
    }).certificates
    assert.deepEqual([inline.caFile, inline.certFile, inline.keyFile], [null, null, null])
    assert.deepEqual(
      Object.entries(inline.inline ?? {}).map(([part, pem]) => [part, pem.toString()]),
      [
        ['ca', 'CA'],
        ['cert', 'CERT'],
        ['key', 'KEY'],
      ],
    )
  })

  test('has one login, of which a file for the token goes first, and no verification where it says so', () => {
    const login = (user: string) => access({ user }).login
    assert.deepEqual(login('tokenFile: t, token: s3cret'), { kind: 'token-file', path: '/home/me/.kube/t' })
    assert.deepEqual(login('token: s3cret, username: u, password: p'), { kind: 'token', token: 's3cret' })
    assert.deepEqual(login('username: u, password: s3cret'), { kind: 'password', username: 'u', password: 's3cret' })
    assert.deepEqual(login('client-certificate: c, exec: {command: x}'), { kind: 'none' })
    assert.equal(access({ cluster: 'server: https://a, insecure-skip-tls-verify: true' }).verifies, false)
  })

  test('has the context of kind where it has no current one, as in Patroni', () => {
    const text = config({ current: "''" }).replace('name: one', 'name: kind-kind')
    assert.ok(parseKubeconfig(text, FILE, null).ok)
  })

  for (const [what, text, expected] of [
    ['no YAML', 'a: [', /^\/home\/me\/\.kube\/config:1:5: /],
    ['empty', '', 'is no kubeconfig: it must be a mapping with clusters, contexts and users'],
    ['a list', '- a', 'is no kubeconfig'],
    [
      'a context that is not there',
      config({ current: 'oen' }),
      `${FILE}:4:1: contexts: has no context "oen": set current-context, or kubernetes.context`,
    ],
    ['no contexts', 'current-context: x', 'contexts: has no context "x": set current-context, or kubernetes.context'],
    [
      'a user that is not there',
      config().replace('name: u1', 'name: u2'),
      'users: has no user "u1": did you mean "u2"?',
    ],
    ['a cluster without a server', config({ cluster: 'a: b' }), 'clusters.0.cluster: has no server'],
    ['a server that is no URL', config({ cluster: 'server: 10.0.0.1' }), 'must be a URL like https://10.0.0.1:6443'],
    [
      'a server with a password',
      config({ cluster: "server: 'https://u:s3cret@a'" }),
      'must be without user and password',
    ],
    [
      'data that is no base64',
      config({ cluster: "server: https://a, certificate-authority-data: '%s3cret'" }),
      'is not in base64',
    ],
    ['a token that is no text', config({ user: 'token: 5' }), 'users.0.user.token: must be text: put it in quotes'],
    ['a token with blanks', config({ user: "token: 's3cret s3cret'" }), 'must be text of visible ASCII characters'],
    [
      'verification that is text',
      config({ cluster: "server: https://a, insecure-skip-tls-verify: 'true'" }),
      'must be true or false',
    ],
    [
      'a program',
      config({ user: 'exec: {command: aws}' }),
      /users\.0\.user\.exec: runs a program to log in, which the router does not: give the user a token/,
    ],
    ['a provider', config({ user: 'auth-provider: {name: gcp}' }), /users\.0\.user\.auth-provider: runs a program/],
  ] as const)
    test(`with a mistake has it named with its place: ${what}`, () => {
      const found = message(text)
      assert.ok(typeof expected === 'string' ? found.includes(expected) : expected.test(found), found)
    })

  test('has a mistake in the configured context named as one of the configuration', () => {
    assert.match(message(config(), 'three'), /has no context "three": correct kubernetes\.context/)
  })
})
