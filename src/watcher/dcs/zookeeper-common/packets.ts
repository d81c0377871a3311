/** The packets in a stream of bytes, each behind its length. */
import { RouterError } from '../../../errors.ts'

/** Much more than the nodes of a cluster: the default `jute.maxbuffer` of a server is 1 MiB. Bytes. */
const MAX_PACKET = 32 * 1024 * 1024

/** What has come is none of ZooKeeper's. */
export class StrangePacket extends RouterError {
  /** The first bytes. */
  readonly begin: string

  constructor(begin: string) {
    super('DCS_UNAVAILABLE', 'it does not answer in the protocol of ZooKeeper')
    this.begin = begin
  }
}

export class Packets {
  #chunks: Buffer[] = []
  #length = 0

  /** Takes bytes; returns the packets that are complete. @throws StrangePacket where a length cannot be one. */
  push(chunk: Buffer): readonly Buffer[] {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    const packets: Buffer[] = []
    for (let packet = this.#take(); packet !== null; packet = this.#take()) packets.push(packet)
    return packets
  }

  #take(): Buffer | null {
    if (this.#length < 4) return null
    // Bytes are put together only for a length, and for a whole packet.
    if ((this.#chunks[0]?.length ?? 0) < 4) this.#join()
    const length = this.#chunks[0]?.readInt32BE() ?? 0
    if (length < 0 || length > MAX_PACKET) throw new StrangePacket(this.#chunks[0]?.toString('latin1', 0, 4) ?? '')
    if (this.#length < 4 + length) return null
    const all = this.#join()
    const rest = all.subarray(4 + length)
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#length = rest.length
    return all.subarray(4, 4 + length)
  }

  #join(): Buffer {
    const all =
      this.#chunks.length === 1 && this.#chunks[0] !== undefined ? this.#chunks[0] : Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all
  }
}
