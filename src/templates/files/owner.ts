/** Whose the written files are. */
import { AccountIds } from '../../account-ids.ts'
import { explain, RouterError } from '../../errors.ts'
import type { Target } from './destination.ts'

export interface Owner {
  /** null: as the file that is there. */
  readonly uid: number | null
  readonly gid: number | null
}

/** Looks up the numbers of owners and groups. */
export class Owners {
  readonly #ids = new AccountIds()

  /** Rejects with TEMPLATE_FAILED for unknown names: it names both. */
  async resolve({ destination, owner, group }: Target): Promise<Owner> {
    const [uid, gid] = await Promise.allSettled([
      owner === null ? null : this.#ids.idOf('user', owner),
      group === null ? null : this.#ids.idOf('group', group),
    ])
    if (uid.status === 'fulfilled' && gid.status === 'fulfilled') return { uid: uid.value, gid: gid.value }
    const reasons = [uid, gid].flatMap((each) => (each.status === 'rejected' ? explain(each.reason) : []))
    throw new RouterError('TEMPLATE_FAILED', `${destination}: ${reasons.join(', and ')}`)
  }
}
