/** One seed of so many has a sale in it: a sale takes twice what all else in a seed does. */
export const SALE_EVERY = 16;
