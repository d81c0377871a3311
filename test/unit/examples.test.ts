/** What people copy: what all examples of one kind have alike. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const ROOT = new URL('../../examples/', import.meta.url)
const FILES = globSync('**/*', { cwd: ROOT, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => {
    const path = `${parentPath}/${name}`
    return { path, text: readFileSync(path, 'utf8') }
  })

test('every server of HAProxy has a name that it takes, and an address that it can do without', () => {
  const templates = FILES.filter(({ path, text }) => path.endsWith('.hbs') && /^listen /m.test(text))
  assert.ok(templates.length >= 3)
  for (const { path, text } of templates) {
    for (const section of text.split(/^(?=listen )/m).filter((each) => /^\s*server /m.test(each))) {
      assert.match(section, /^\s*default-server .*init-addr last,libc,none$/m, path)
      for (const [line] of section.matchAll(/^\s*server .*$/gm)) assert.match(line, /\{\{serverName /, path)
    }
  }
})

test('a keepalived that is killed leaves none of its addresses behind, and is started again', () => {
  const instances = FILES.filter(
    ({ path, text }) => /keepalived\.conf(\.hbs)?$/.test(path) && text.includes('vrrp_instance'),
  )
  assert.equal(instances.length, 3)
  for (const { path, text } of instances) {
    const dropIn = FILES.find((file) => file.path === path.replace(/keepalived\.conf.*$/, 'keepalived-service.conf'))
    assert.match(dropIn?.text ?? '', /^Restart=always$/m, path)
    const [, block = ''] = /virtual_ipaddress \{([^}]*)\}/.exec(text) ?? []
    const [, device = ''] = /^\s*interface (\S+)$/m.exec(text) ?? []
    const addresses = block.trim().split(/\s+/)
    assert.ok(addresses.length > 0, path)
    for (const address of addresses)
      assert.ok(dropIn?.text.includes(`ExecStopPost=-/usr/sbin/ip address delete ${address} dev ${device}\n`), address)
  }
})

test('no example signals processes by their name alone, of which the host may have others', () => {
  for (const { path, text } of FILES) assert.doesNotMatch(text, /\b(?:pkill|killall)\b(?!`)/, path)
})

test('a stand-alone router has sync and async, once they are wanted, at the ports that Patroni gives them', () => {
  const configs = FILES.filter(({ text }) => text.includes("replicas: { bind: '*:5001', route: replica }"))
  assert.ok(configs.length >= 3)
  for (const { path, text } of configs) {
    const { length: before } = [...text.matchAll(/^ *(?:replicas|sync|async):/gm)]
    const wanted = text.replace(/^( *)# (a?sync: )/gm, '$1$2')
    assert.equal([...wanted.matchAll(/^ *(?:replicas|sync|async):/gm)].length, before + 2, path)
    assert.match(wanted, /^ *sync: \{ bind: '\*:5002', route: sync \}$/m, path)
    assert.match(wanted, /^ *async: \{ bind: '\*:5003', route: async \}$/m, path)
  }
})

test('sessions of an old process are ended alike for HAProxy and nginx', () => {
  const scripts = FILES.filter(({ path }) => path.endsWith('-close-sessions'))
  assert.equal(scripts.length, 2)
  const [first, ...others] = scripts.map(({ text }) => text.replace(/^#(?!!).*\n/gm, ''))
  for (const other of others) assert.equal(other, first)
})
