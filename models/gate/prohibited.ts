/** Words that no input of a model may have in its name; the trainer's own list is the same (prohibited.py). */
const WORDS = new Set(
  (
    'age ageband agegroup birth birthday birthdate birthyear dob gender sex male female location country region state ' +
    'city town zip postcode postal address latitude longitude geo urban suburban rural ethnicity race religion ' +
    'nationality citizenship disability pregnancy marital orientation'
  ).split(' '),
);

/** The word that forbids a feature of this name; undefined: none does. */
export const prohibitedWord = (feature: string): string | undefined =>
  feature
    .toLowerCase()
    .split(/[^a-z]+/)
    .find(word => WORDS.has(word));
