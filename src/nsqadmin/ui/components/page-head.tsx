import type { ComponentChildren } from 'preact'
import type { Route } from '../router.ts'
import { Link } from './link.tsx'
import { SafeText } from './safe-text.tsx'

interface PageHeadProps {
  /** It may be of the address, where anybody may have written it. */
  title: string
  /** Of an address or the like. */
  isMono?: boolean
  /** What it is part of, from the outside in. */
  path?: readonly (readonly [label: string, route: Route])[]
  chips?: ComponentChildren
  /** Buttons and fields at the end of the line. */
  children?: ComponentChildren
}

export function PageHead({ title, isMono = false, path, chips, children }: PageHeadProps) {
  return (
    <div class="page-head">
      <div class="page-title">
        {path && (
          <nav class="path" aria-label="Breadcrumb">
            <ol>
              {path.map(([label, route]) => (
                <li key={label}>
                  <Link to={route}>{label}</Link>
                </li>
              ))}
            </ol>
          </nav>
        )}
        <h1>
          <bdi class={isMono ? 'name' : ''}>
            <SafeText text={title} />
          </bdi>
          {chips}
        </h1>
      </div>
      <div class="page-actions">{children}</div>
    </div>
  )
}
