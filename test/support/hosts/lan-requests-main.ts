// Run inside a LAN by LanRequests: a request for each line of standard input, whose answer is a line of standard output.
import { once } from 'node:events'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { createInterface } from 'node:readline'
import type { LanAnswer, LanRequest } from './lan-requests.ts'

async function answer({ url, method, body, timeoutMs }: LanRequest): Promise<LanAnswer> {
  // A connection of its own for each: a host that has been cut off says nothing of the end of older ones.
  const request = http.request(url, { method, agent: false, signal: AbortSignal.timeout(timeoutMs) })
  request.end(body)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  return { status: response.statusCode ?? 0, text: await text(response) }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as LanRequest & { readonly id: number }
  void answer(request)
    .catch((error: unknown) => ({ error: String(error) }))
    .then((result) => process.stdout.write(`${JSON.stringify({ id: request.id, ...result })}\n`))
}
