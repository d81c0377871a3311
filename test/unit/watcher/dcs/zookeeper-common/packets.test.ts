import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JuteReader, JuteWriter } from '../../../../../src/watcher/dcs/zookeeper-common/jute.ts'
import { Packets, StrangePacket } from '../../../../../src/watcher/dcs/zookeeper-common/packets.ts'

const packet = (text: string): Buffer => new JuteWriter().text(text).packet()
const textOf = (bytes: Buffer): string => new JuteReader(bytes).text()

test('packets are the same however their bytes are cut', () => {
  const texts = ['', 'a', 'x'.repeat(70_000), 'ü\n🐘']
  const bytes = Buffer.concat(texts.map(packet))
  for (const size of [1, 3, 4, 5, 1000, bytes.length]) {
    const packets = new Packets()
    const found: string[] = []
    for (let from = 0; from < bytes.length; from += size)
      found.push(...packets.push(bytes.subarray(from, from + size)).map(textOf))
    assert.deepEqual(found, texts, `${size} at a time`)
  }
})

test('bytes with a length that no packet has are none, whatever follows', () => {
  for (const begin of ['HTTP', 'SSH-', '\xff\xff\xff\xff', '\x02\x00\x00\x01']) {
    const packets = new Packets()
    assert.deepEqual(packets.push(Buffer.from(begin.slice(0, 2), 'latin1')), [])
    assert.throws(
      () => packets.push(Buffer.from(begin.slice(2), 'latin1')),
      (error) => error instanceof StrangePacket && error.begin === begin,
    )
  }
})

test('a packet that ends before its values do is an error, and allocates nothing', () => {
  const ends = /its answer ends before it is complete/
  const reader = (bytes: number[]): JuteReader => new JuteReader(Buffer.from(bytes))
  assert.throws(() => reader([0, 0, 0]).int(), ends)
  assert.throws(() => reader([0, 0, 0, 0]).long(), ends)
  assert.throws(() => reader([0x7f, 0xff, 0xff, 0xff]).text(), ends)
  const list = reader([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])
  assert.throws(() => list.list(() => list.text()), ends)
  // -1 is none.
  assert.equal(reader([0xff, 0xff, 0xff, 0xff]).text(), '')
  assert.deepEqual(
    reader([0xff, 0xff, 0xff, 0xff]).list(() => 1),
    [],
  )
})
