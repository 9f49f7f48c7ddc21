declare const brand: unique symbol;

/** A nominal type: two values of the same shape that must never be mixed up carry different brands. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
