// What stands below the toolbar: applications, or why there are none.
import { Inbox, SearchX, ServerOff } from "lucide-react";
import { Button } from "../common/button.tsx";
import { Notice } from "../common/notice.tsx";
import { ListSkeleton } from "./list-skeleton.tsx";
import type { ListBodyProps } from "./list-props.ts";
import { TableView } from "./table-view.tsx";
import { TilesView } from "./tiles-view.tsx";

export function ListBody(props: ListBodyProps) {
  const { loaded, failure, filtered, rows, view, onReset, onCreate, onRetry } = props;
  if (!loaded && failure !== undefined) {
    return (
      <Notice
        icon={ServerOff}
        tone="bad"
        title="The applications could not be read"
        actions={
          <Button look="primary" onClick={onRetry}>
            Try again
          </Button>
        }
      >
        {failure}
      </Notice>
    );
  }
  if (!loaded) return <ListSkeleton view={view} />;
  if (rows.total === 0 && !filtered) {
    return (
      <Notice
        icon={Inbox}
        title="No applications yet"
        actions={
          <Button look="primary" onClick={onCreate}>
            New application
          </Button>
        }
      >
        An application says which folder of which Git repository belongs on which cluster. Create one here, with{" "}
        <code>driftless app create</code>, or apply an <code>Application</code> with kubectl.
      </Notice>
    );
  }
  if (rows.total === 0) {
    return (
      <Notice
        icon={SearchX}
        title="No application matches"
        actions={<Button onClick={onReset}>Clear all filters</Button>}
      >
        Every word has to be found, and one of the values of each filter.
      </Notice>
    );
  }
  return view === "table" ? <TableView {...props} /> : <TilesView {...props} />;
}
