/** Whether a file is as its template says. */
import { bytesOfText } from '../../text/binary-text.ts'
import { bytesOf, failed, placeOf } from './destination.ts'
import type { Owners } from './owner.ts'
import type { Difference, Target } from './target.ts'

export async function difference(target: Target, text: string, owners: Owners): Promise<Difference> {
  const { destination, mode } = target
  const { uid, gid } = await owners.resolve(target)
  const { path, stats } = await placeOf(destination)
  if (stats === null) return 'missing'
  const wanted = bytesOfText(text)
  const isSame = stats.size === wanted.length && (await read(path)).equals(wanted)
  if (!isSame) return 'content'
  if ((uid !== null && uid !== stats.uid) || (gid !== null && gid !== stats.gid)) return 'owner'
  return mode !== null && mode !== (stats.mode & 0o7777) ? 'mode' : 'same'
}

async function read(path: string): Promise<Buffer> {
  try {
    return (await bytesOf(path)) ?? Buffer.alloc(0)
  } catch (cause) {
    throw failed(`${path} cannot be read`, cause)
  }
}
