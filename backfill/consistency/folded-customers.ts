/** The customers that a walk is about, in bounded memory: the ones touched last as objects, the others as stored bytes. */
import type { CustomerId } from '../../schemas';
import { decodeCustomer, encodeCustomer, isErasedMarker, isHeld, newCustomer } from '../../processors/core';
import type { Customer } from '../../processors/core';

const OBJECTS = 4_000;

export class FoldedCustomers {
  private readonly objects = new Map<CustomerId, Customer>();
  private readonly stored = new Map<CustomerId, Uint8Array>();
  /** Questions that are still to come, by customer. */
  private readonly questions = new Map<CustomerId, number>();

  /** One id for each question that will be asked. */
  constructor(ids: Iterable<CustomerId>) {
    for (const id of ids) this.questions.set(id, (this.questions.get(id) ?? 0) + 1);
  }

  isAskedFor(id: CustomerId): boolean {
    return this.questions.has(id);
  }

  /** Nobody, where nothing was folded yet. The caller may change it until the next call. */
  of(id: CustomerId): Customer {
    const held = this.objects.get(id);
    if (held !== undefined) {
      this.objects.delete(id);
      this.objects.set(id, held);
      return held;
    }
    const bytes = this.stored.get(id);
    const customer = bytes === undefined ? newCustomer(id) : decodeCustomer(id, bytes);
    this.stored.delete(id);
    this.objects.set(id, customer);
    if (this.objects.size > OBJECTS) this.store();
    return customer;
  }

  private store(): void {
    const [id, customer] = this.objects.entries().next().value!;
    this.objects.delete(id);
    if (isHeld(customer) || isErasedMarker(customer.facts)) this.stored.set(id, encodeCustomer(customer));
  }

  /** One question was answered; after the last one the customer is forgotten. */
  answered(id: CustomerId): void {
    const left = (this.questions.get(id) ?? 0) - 1;
    if (left > 0) {
      this.questions.set(id, left);
      return;
    }
    this.questions.delete(id);
    this.objects.delete(id);
    this.stored.delete(id);
  }
}
