type Answer = { readonly status: number; readonly text: string }

/** What Patroni answers where its DCS did not, or where it no longer knows. */
const UNDECIDED = /^Switchover (failed|status unknown)$|^failed to write switchover key into DCS$/

/**
 * Requests a planned switchover; resolves with Patroni's answer when it is done. On a busy machine Patroni says no more than that it
 * does not know, calls the whole off, or does not reach its DCS: the request is repeated then, unless `hasNext` resolves first.
 * @param hasNext resolves when another leader is there, and rejects when there is none for some seconds.
 */
export async function switchover<A extends Answer>(
  post: () => Promise<A>,
  hasNext: () => Promise<unknown>,
): Promise<A> {
  for (let attempt = 1; ; attempt++) {
    const answer = await post()
    if (answer.status !== 503 || !UNDECIDED.test(answer.text) || attempt === 3) return answer
    const [next] = await Promise.allSettled([hasNext()])
    if (next.status === 'fulfilled') return { ...answer, status: 200 }
  }
}
