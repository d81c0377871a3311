/** What people copy: what all examples of one kind have alike. */
import assert from 'node:assert/strict'
import { globSync, readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

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

const FOLDERS = readdirSync(ROOT, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
const READMES = FOLDERS.map((folder) => {
  const path = `${folder}/README.md`
  return { folder, path, text: readFileSync(new URL(path, ROOT), 'utf8') }
})
const FIRST = ['What is needed', 'Steps', 'How to see that it works', 'What happens']

test('every folder has a README that says when to take it, and all of them have the same sections in the same order', () => {
  assert.ok(READMES.length >= 12)
  for (const { path, text } of READMES) {
    const sections = [...text.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading)
    assert.deepEqual(sections.slice(0, FIRST.length), FIRST, path)
    assert.equal(sections.at(-1), 'Limits', path)
    for (const variant of sections.slice(FIRST.length, -1)) assert.match(variant, /^Variant: /, path)
    assert.match(text.split(/^## /m)[0] ?? '', /^# .+\n\n\w[^]*\bTake\s+(?:it|one)\s/, path)
  }
})

test('the steps of every README are numbered, begin with what is edited, and end with something to see', () => {
  for (const { path, text } of READMES) {
    for (const section of text.split(/^(?=## )/m)) {
      const numbers = [...section.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number))
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index + 1),
        path,
      )
      if (numbers.length > 0) assert.match(section, /^1\. (?:Edit|Add) /m, path)
      if (section.startsWith('## Steps\n')) {
        assert.ok(numbers.length >= 2, path)
        assert.match(section, /^\| file \|.*\| edit \|$/m, path)
      }
      if (section.startsWith('## How to see that it works\n'))
        assert.match(section, /^```sh\n[^]*?^```\n\n```text\n/m, path)
    }
    assert.match(
      text,
      /\[Before you begin\]\(\.\.\/README\.md#before-you-begin\)|\(\.\.\/docker-compose\)|^- Docker /m,
      path,
    )
  }
})

test('the table of all examples has every folder once, and the way to it from what is there today', () => {
  const text = readFileSync(new URL('README.md', ROOT), 'utf8')
  const [, which = '', all = ''] = text.split(/^## (?:Which one|All of them)$/m)
  const [table = ''] = all.split(/^## /m)
  const folders = FOLDERS.toSorted()
  const rows = [...table.matchAll(/^\| \[`([^`]+)`\]\(([^)]+)\) \|/gm)].map(([, name = '', link]) => {
    assert.equal(link, name)
    return name
  })
  assert.deepEqual(rows.toSorted(), folders)
  // The units are for all of the others.
  for (const folder of folders.filter((name) => name !== 'systemd')) assert.ok(which.includes(`(${folder})`), folder)
})

test('every file of an example is in the table of its README', () => {
  for (const { folder, path, text } of READMES)
    for (const entry of globSync('**/*', { cwd: new URL(folder, ROOT), withFileTypes: true })) {
      const file = relative(fileURLToPath(new URL(folder, ROOT)), join(entry.parentPath, entry.name))
      if (entry.isFile() && file !== 'README.md') assert.ok(text.includes(`\`${file}\``), `${path}: ${file}`)
    }
})

test('an editor finds the schema of every configuration', () => {
  const schema = 'https://raw.githubusercontent.com/patroni-router/patroni-router/main/docs/configuration.schema.json'
  const configs = FILES.filter(({ path, text }) => path.endsWith('.yml') && /^etcd3:$/m.test(text))
  assert.ok(configs.length >= 11)
  for (const { path, text } of configs)
    assert.equal(text.split('\n')[0], `# yaml-language-server: $schema=${schema}`, path)
})
