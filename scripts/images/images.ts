/** The drawings in docs/images. */
import { failover } from '../../bench/failover/bench.ts'
import { proxy } from '../../bench/proxy/bench.ts'
import { publishedResults } from '../../bench/results.ts'
import type { Generated } from '../generated.ts'
import { statesImage } from './states.ts'
import { switchoverImage, switchoverOf } from './switchover.ts'
import { throughputImage } from './throughput.ts'
import { usesImage } from './uses.ts'

export const IMAGES: readonly Generated[] = [
  { name: 'uses', text: usesImage },
  { name: 'states', text: statesImage },
  { name: 'switchover', text: () => switchoverImage(switchoverOf(publishedResults(failover))) },
  { name: 'throughput', text: () => throughputImage(publishedResults(proxy)) },
].map(({ name, text }) => ({ file: `docs/images/${name}.svg`, part: null, text }))
