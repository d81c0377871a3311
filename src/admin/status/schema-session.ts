/** The documented shape of `sessions --json`. */
import { z } from 'zod'
import { count, text, time } from './schema-fields.ts'

export const sessionSchema = z.strictObject({
  id: text('Unique in one run of the router: `0x1f`.'),
  cluster: text('Name of the cluster.'),
  listener: text('Name of the listener.'),
  route: text('The route of the listener.'),
  member: text('Name of the member.'),
  server: text('Address and port of the member.'),
  client: text('Address and port of the client, or the path of the Unix socket by which it came.'),
  since: time('When it was accepted.'),
  bytesIn: count('Bytes received from the client.'),
  bytesOut: count('Bytes sent to it.'),
})

export const sessionsSchema = z.strictObject({
  now: time('When this was taken.'),
  total: count('Sessions that match; some of them may not be listed.'),
  sessions: z.array(sessionSchema).describe('The oldest first.'),
})

export type SessionJson = z.infer<typeof sessionSchema>
export type SessionsJson = z.infer<typeof sessionsSchema>
