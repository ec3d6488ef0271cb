const out = [];
for (const locale of ["en", "de", "ar-EG", "zh-Hant-TW", "ja-JP-u-ca-japanese", "hi", "th", "fa-IR"]) {
  out.push(
    new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "full", timeZone: "America/New_York" }).format(0),
    new Intl.NumberFormat(locale, { style: "currency", currency: "EUR" }).format(1234.5),
    new Intl.Collator(locale).compare("a", "ä"), new Intl.PluralRules(locale).select(2),
    new Intl.ListFormat(locale).format(["a", "b", "c"]), new Intl.RelativeTimeFormat(locale).format(-3, "day"),
    new Intl.DisplayNames(locale, { type: "region" }).of("US"), new Intl.Locale(locale).maximize().toString(),
    [...new Intl.Segmenter(locale, { granularity: "word" }).segment("Hello ภาษาไทย 日本語")].length,
    new Intl.DurationFormat(locale).format({ hours: 1 }),
  );
}
for (const key of ["calendar", "currency", "timeZone", "unit"]) out.push(Intl.supportedValuesOf(key).length);
out.push(new Date(2020, 1, 1).toString(), new Date(0).toLocaleDateString(), new Date(0).getTimezoneOffset());
out.push(Intl.DateTimeFormat().resolvedOptions().timeZone, Temporal.Now.timeZoneId());
out.push(Temporal.ZonedDateTime.from("2020-03-08T02:30[America/New_York]").toString(), "é".normalize("NFD").length);
return out;
