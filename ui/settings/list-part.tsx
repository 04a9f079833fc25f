// One list of the settings, to look at: searched and paged by the server.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { listPart } from "../api/administration.ts";
import { messageOf } from "../api/error.ts";
import { Button } from "../common/button.tsx";
import type { ListKind } from "./lists.tsx";

export function ListPartView<T>({ kind }: { readonly kind: ListKind<T> }) {
  const { title, path, paged, keyOf, columns } = kind;
  const [text, setText] = useState("");
  const search = useDeferredValue(text.trim());
  const query = useInfiniteQuery({
    queryKey: ["settings", path, search],
    queryFn: ({ signal, pageParam }) => listPart<T>(path, { search: paged ? search : "", from: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.metadata?.continue || undefined,
    placeholderData: (before) => before,
  });
  const items = query.data?.pages.flatMap((page) => page.items ?? []) ?? [];
  const total = query.data?.pages.at(-1)?.metadata?.total ?? items.length;
  return (
    <section aria-label={title} className="settings-list">
      <header>
        <h2>{title}</h2>
        {query.data && <span className="faint">{total.toLocaleString("en")}</span>}
        <span className="grow" />
        {paged && (
          <div className="search">
            <Search size={15} aria-hidden />
            <input
              type="search"
              aria-label={`Search ${title.toLowerCase()}`}
              placeholder="Search"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </div>
        )}
      </header>
      {query.error && (
        <p className="message message-bad" role="alert">
          {messageOf(query.error)}
        </p>
      )}
      {!query.data && !query.error && <div className="skeleton" style={{ height: 120 }} aria-busy="true" />}
      {query.data && items.length === 0 && (
        <p className="faint">{search === "" ? "There are none that you may see." : "None matches."}</p>
      )}
      {items.length > 0 && (
        <div className="settings-table">
          <table aria-busy={query.isFetching}>
            <thead>
              <tr>
                {columns.map(([head]) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {items.map((item) => (
                <tr key={keyOf(item)}>
                  {columns.map(([head, cell]) => (
                    <td key={head}>{cell(item)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {query.hasNextPage && (
        <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          More
        </Button>
      )}
    </section>
  );
}
