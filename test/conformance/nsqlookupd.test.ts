import { conformanceSuite } from './suite.ts'

conformanceSuite('nsqlookupd')
