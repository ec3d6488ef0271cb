"""Libraries that run without a module loader: package, file, and an expression that uses it."""

from __future__ import annotations

LIBRARIES = r"""
accounting@0.4.1 accounting.min.js | accounting.formatMoney(1234.5)
acorn@8.19.0 dist/acorn.js | acorn.parse('let a = 1', { ecmaVersion: 2025 }).body.length
ajv@6.12.6 dist/ajv.min.js | typeof Ajv
async@3.2.6 dist/async.min.js | await async.map([1, 2], async (n) => n * 2)
big.js@6.2.2 big.js | Big('0.1').plus('0.2').toString()
bignumber.js@9.1.2 bignumber.js | BigNumber('0.1').plus('0.2').toString()
bluebird@3.7.2 js/browser/bluebird.min.js | typeof Promise.map + await Promise.resolve(4)
blueimp-md5@2.19.0 js/md5.min.js | md5('a')
chai@4.5.0 chai.js | (() => { try { chai.expect(1).to.equal(2) } catch (e) { return e.message } })()
chance@1.1.13 dist/chance.min.js | new Chance(7).integer()
chroma-js@3.2.0 dist/chroma.cjs | typeof chroma
core-js-bundle@3.50.0 minified.js | Object.groupBy([1, 2, 3], (n) => n % 2)
crypto-js@4.2.0 crypto-js.js | CryptoJS.SHA256('a').toString()
currency.js@2.0.4 dist/currency.umd.js | currency(1.1).add(2.2).value
d3@7.9.0 dist/d3.min.js | d3.sum([1, 2, 3]) + d3.format('.2f')(3.14159)
dagre@0.8.5 dist/dagre.min.js | Object.keys(dagre)
date-fns@4.1.0 cdn.min.js | typeof dateFns.addDays
dayjs@1.11.13 dayjs.min.js | dayjs('2024-02-29').add(1, 'year').format('YYYY-MM-DD')
decimal.js@10.6.0 decimal.js | Decimal('0.1').plus('0.2').toString()
dinero.js@1.9.1 build/umd/dinero.min.js | Dinero({ amount: 500 }).toFormat()
ejs@3.1.10 ejs.min.js | typeof ejs.render
esprima@4.0.1 dist/esprima.js | esprima.parseScript('a = 1').body.length
expr-eval@2.0.2 dist/bundle.min.js | exprEval.Parser.evaluate('2 ^ 3 + x', { x: 1 })
fuse.js@7.0.0 dist/fuse.min.js | new Fuse(['apple', 'pear'], {}).search('aple').length
graphlib@2.1.8 dist/graphlib.min.js | Object.keys(graphlib)
handlebars@4.7.8 dist/handlebars.min.js | Handlebars.precompile('{{a}}').length
i18next@23.16.8 i18next.min.js | typeof i18next.t
immer@9.0.21 dist/immer.umd.production.min.js | immer.produce({ a: 1 }, (d) => { d.a = 2 })
immutable@5.0.3 dist/immutable.min.js | Immutable.Map({ a: 1 }).set('b', 2).toJS()
jmespath@0.16.0 artifacts/jmespath.min.js | jmespath.search({ a: [{ b: 1 }, { b: 2 }] }, 'a[].b')
js-sha256@0.11.0 build/sha256.min.js | sha256('a')
js-yaml@4.1.0 dist/js-yaml.min.js | jsyaml.load('a: [1, 2]\nb: {c: d}')
jsonata@2.0.6 jsonata.min.js | await jsonata('$sum(a.b)').evaluate({ a: [{ b: 1 }, { b: 2 }] })
jszip@3.10.1 dist/jszip.min.js | typeof JSZip.loadAsync
knockout@3.5.1 build/output/knockout-latest.js | ko.observable(3)()
lodash@4.17.21 lodash.min.js | _.chunk([1, 2, 3, 4, 5], 2)
lodash@4.17.21 lodash.js | _.groupBy([1.2, 1.8, 2.1], Math.floor)
long@4.0.0 dist/long.js | dcodeIO.Long.fromString('9007199254740993').toString()
lunr@2.3.9 lunr.min.js | lunr(function () { this.field('a'); this.add({ a: 'b' }) }).search('b')
luxon@3.5.0 build/global/luxon.min.js | luxon.DateTime.fromISO('2024-02-29').plus({ years: 1 }).year
lz-string@1.5.0 libs/lz-string.min.js | LZString.decompress(LZString.compress('hello'))
markdown-it@14.1.0 dist/markdown-it.min.js | markdownit().render('# a\n\n*b*')
marked@4.3.0 marked.min.js | marked.parse('# a\n\n*b*')
mathjs@13.2.3 lib/browser/math.js | math.evaluate('sqrt(16) + det([1, 2; 3, 4])')
mobx@6.13.5 dist/mobx.umd.production.min.js | mobx.computed(() => 3).get()
moment@2.30.1 min/moment.min.js | moment.utc('2024-02-29').add(1, 'year').format('YYYY-MM-DD')
moment@2.30.1 min/moment-with-locales.js | moment.utc(0).locale('de').format('LLLL')
mustache@4.2.0 mustache.min.js | Mustache.render('{{a}} {{#b}}{{.}}{{/b}}', { a: 1, b: [2, 3] })
numeral@2.0.6 min/numeral.min.js | numeral(1234.5).format('0,0.00')
nunjucks@3.2.4 browser/nunjucks.min.js | typeof nunjucks.renderString
pako@2.1.0 dist/pako.min.js | pako.inflate(pako.deflate('hello'), { to: 'string' })
papaparse@5.4.1 papaparse.min.js | Papa.parse('a,b\n1,2', { header: true }).data
preact@10.25.0 dist/preact.umd.js | preact.h('a', { b: 1 }).type
prismjs@1.29.0 prism.js | Prism.highlight('a = 1', Prism.languages.javascript, 'javascript')
q@1.5.1 q.js | await Q(3).then((n) => n + 1)
ramda@0.30.1 dist/ramda.min.js | R.pipe(R.map(R.inc), R.sum)([1, 2, 3])
rbush@3.0.1 rbush.min.js | new RBush().load([{ minX: 0, minY: 0, maxX: 1, maxY: 1 }]).all().length
react@18.3.1 umd/react.production.min.js | React.createElement('a', null, 1).type
redux@4.2.1 dist/redux.min.js | Redux.createStore((s = 1) => s).getState()
rxjs@7.8.1 dist/bundles/rxjs.umd.min.js | await rxjs.lastValueFrom(rxjs.from([1, 2]))
seedrandom@3.0.5 seedrandom.min.js | new Math.seedrandom('a')()
showdown@2.1.0 dist/showdown.min.js | new showdown.Converter().makeHtml('# a')
simple-statistics@7.8.7 dist/simple-statistics.min.js | ss.standardDeviation([1, 2, 3])
sprintf-js@1.1.3 dist/sprintf.min.js | sprintf('%05.1f', 3.14)
superstruct@1.0.4 dist/index.cjs | Object.keys(Superstruct).length
three@0.150.1 build/three.min.js | new THREE.Vector3(1, 2, 2).length()
tinycolor2@1.6.0 dist/tinycolor-min.js | tinycolor('red').toHexString()
tslib@2.8.1 tslib.js | typeof __assign
underscore@1.13.7 underscore-umd-min.js | _.sortBy([3, 1, 2])
uuid@8.3.2 dist/umd/uuid.min.js | uuid.v5('a', '1b671a64-40d5-491e-99b0-da01ff1f3341')
validate.js@0.13.1 validate.min.js | validate({}, { a: { presence: true } })
validator@13.12.0 validator.min.js | validator.isEmail('a@b.co')
voca@1.4.1 index.js | v.camelCase('a bird')
vue@3.5.13 dist/vue.global.prod.js | Vue.ref(3).value
xregexp@5.1.1 xregexp-all.js | XRegExp.exec('2024', XRegExp('(?<y>\\d{4})')).groups.y
xstate@4.38.3 dist/xstate.js | typeof XState
zod@3.22.4 lib/index.umd.js | Zod.z.string().safeParse(3).success
""".strip().splitlines()
