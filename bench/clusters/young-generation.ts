// Loaded before a measured process: it has the memory that `run` has. On the command line V8's flags do not have that effect.
import { keepYoungGenerationSmall } from '../../src/cli/young-generation.ts'

keepYoungGenerationSmall()
