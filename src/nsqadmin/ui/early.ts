import { applyKeptTheme } from './theme.ts'

applyKeptTheme()
