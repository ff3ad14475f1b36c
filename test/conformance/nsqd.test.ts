import { conformanceSuite } from './suite.ts'

conformanceSuite('nsqd')
