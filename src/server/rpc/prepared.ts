// Answers and messages of which the work to write them is shared: a list that is kept as text and bytes, and events that
// many streams are sent. Transports ask for the form that they send. No business logic.
import { Readable } from "node:stream";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { readyMessage } from "#protocol/ready.ts";
import { fieldsOf } from "../application/listing/fields.ts";

/** An answer that its service can write faster than transports can. */
export abstract class PreparedAnswer {
  /** The answer as an object, as every other method gives it. */
  abstract object(): object;
  /** Its JSON in pieces that are not large, with what the parameter `fields` leaves of it. At least one. */
  abstract pieces(fields: string): AsyncGenerator<Buffer>;
  /** Its message, for protobuf's binary form alone. */
  abstract message(output: DescMessage): Promise<Message>;

  /** Its JSON at once where it is one piece, as a stream otherwise. */
  async body(fields: string): Promise<Buffer | Readable> {
    const pieces = this.pieces(fields);
    const first = await pieces.next();
    const second = await pieces.next();
    if (second.done === true) return first.value as Buffer;
    const all = async function* (): AsyncGenerator<Buffer> {
      yield first.value as Buffer;
      yield second.value;
      yield* pieces;
    };
    return Readable.from(all(), { objectMode: false });
  }
}

/** What was written, by how it was asked for. Thousands of streams ask one after the other: no key is put together. */
class Forms {
  readonly #events = new Map<string, Buffer>();
  readonly #lines = new Map<string, Buffer>();

  of(events: boolean, fields: string, write: () => Buffer): Buffer {
    const made = events ? this.#events : this.#lines;
    let chunk = made.get(fields);
    if (!chunk) made.set(fields, (chunk = write()));
    return chunk;
  }
}

/** One message, for any number of streams: each form is made once. */
export class SharedMessage {
  readonly value: object;
  readonly #forms = new Forms();
  #message: Message | undefined;

  constructor(value: object) {
    this.value = value;
  }

  /** As REST streams it: a server-sent event or a line of JSON, with what `fields` leaves of it. */
  chunk(events: boolean, fields: string): Buffer {
    return this.#forms.of(events, fields, () => {
      const message = { result: this.value };
      const text = JSON.stringify(fieldsOf(fields)?.(message) ?? message);
      return Buffer.from(events ? `data: ${text}\n\n` : `${text}\n`);
    });
  }

  /** Its message, for protobuf's binary form alone. */
  message(output: DescMessage): Message {
    return (this.#message ??= readyMessage(output, this.value));
  }
}

/** Messages that are sent together. */
export class SharedMessages {
  readonly messages: readonly SharedMessage[];
  readonly #forms = new Forms();

  constructor(messages: readonly SharedMessage[]) {
    this.messages = messages;
  }

  /** All of them as REST streams them. */
  chunk(events: boolean, fields: string): Buffer {
    return this.#forms.of(events, fields, () =>
      Buffer.concat(this.messages.map((message) => message.chunk(events, fields))),
    );
  }
}
