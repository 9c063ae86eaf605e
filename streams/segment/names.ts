/** Names in use elsewhere, as data: what trackers send beside the names of the current specification. */
export const NAME_ALIASES: Readonly<Record<string, string>> = Object.assign(Object.create(null) as object, {
  // The first version of the e-commerce specification.
  'Viewed Product': 'Product Viewed',
  'Viewed Product Category': 'Product List Viewed',
  'Searched Products': 'Products Searched',
  'Added Product': 'Product Added',
  'Removed Product': 'Product Removed',
  'Viewed Cart': 'Cart Viewed',
  'Started Order': 'Checkout Started',
  'Started Checkout': 'Checkout Started',
  'Viewed Checkout Step': 'Checkout Step Viewed',
  'Completed Checkout Step': 'Checkout Step Completed',
  'Entered Payment Info': 'Payment Info Entered',
  'Completed Order': 'Order Completed',
  'Updated Order': 'Order Updated',
  'Refunded Order': 'Order Refunded',
  'Cancelled Order': 'Order Cancelled',
  // GA4 and generic shops.
  view_item: 'Product Viewed',
  view_item_list: 'Product List Viewed',
  search: 'Products Searched',
  add_to_cart: 'Product Added',
  remove_from_cart: 'Product Removed',
  view_cart: 'Cart Viewed',
  begin_checkout: 'Checkout Started',
  add_payment_info: 'Payment Info Entered',
  purchase: 'Order Completed',
  refund: 'Order Refunded',
  sign_up: 'Signed Up',
  login: 'Signed In',
} satisfies Record<string, string>);

export const canonicalName = (name: string): string => NAME_ALIASES[name] ?? name;
