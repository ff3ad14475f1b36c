/** Where the reader is: the route and the query of the address, and going elsewhere without loading the page again. */
import { useCallback } from 'preact/hooks'
import { belowBase, parseRoute, routePath, type Route } from './router.ts'
import { createStore } from './store.ts'
import { useStore } from './use-store.ts'

export interface Place {
  route: Route
  query: URLSearchParams
  /** Whether it was come to by Back or Forward. */
  back: boolean
}

const base = () => new URL(document.baseURI).pathname

const place = createStore<Place>(read(false))

function read(back: boolean): Place {
  return {
    route: parseRoute(belowBase(location.pathname, base())),
    query: new URLSearchParams(location.search),
    back,
  }
}

/** Follows the browser's own buttons from now on. */
export function startNavigation(): void {
  window.addEventListener('popstate', () => place.set(read(true)))
}

export function href(route: Route): string {
  return new URL(routePath(route), document.baseURI).pathname
}

export function navigate(route: Route): void {
  history.pushState(null, '', href(route))
  place.set(read(false))
  window.scrollTo(0, 0)
}

export function usePlace(): Place {
  return useStore(place)
}

/** A value in the address's query, so that a link or Back leads to the same view. Empty or null: not in it. */
export function useQuery(name: string): [value: string | null, set: (value: string | null) => void] {
  const { query } = useStore(place)
  const set = useCallback(
    (value: string | null) => {
      const params = new URLSearchParams(location.search)
      if (value) params.set(name, value)
      else params.delete(name)
      const text = params.toString()
      history.replaceState(null, '', `${location.pathname}${text && `?${text}`}`)
      place.set({ ...place.get(), query: params })
    },
    [name],
  )
  return [query.get(name), set]
}
