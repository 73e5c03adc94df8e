package place

import "strings"

// class is a set of roles that a word can have in a text, whatever the city is.
type class uint64

const (
	inspector class = 1 << iota // who checks tickets
	control                     // that tickets are checked
	person                      // anybody who is counted
	unit                        // follows a number that is a time, a price or the like
	clock                       // stands before a time
	toward                      // stands before a direction
	direction                   // stands after a direction
	just                        // before "nach": it means "after"
	article                     // may stand between "toward" and a stop
	where                       // stands before a place or ends what is said of it
	verb                        // follows a line in a sentence
	which                       // stands before a line
	both                        // joins two of a kind
	gone                        // they are, in an all-clear
	side                        // "left", which is gone after those who left alone
	free                        // the place is, in an all-clear
	surely                      // an all-clear by itself
	really                      // what makes an all-clear of gone and free
	not                         // turns it around
	still                       // turns it around too
	none                        // "no", "nobody"
	more                        // "no more"
	nobody                      // "nobody", who needs no name
	unsure                      // a question, a wish, a condition
	but                         // begins another clause
	again                       // with "here": they are back
	here                        // what they are then
	other                       // with it, it is about something else
	moved                       // and now they are somewhere else
	group                       // follows "4er" that is no line
	ordinary                    // a word that everybody uses: no edit leads to it or away from it
	common                      // a word that many use, though edits lead to it
	vague                       // says nothing without the name of the city before it
	kind                        // of a line, before its number
	some                        // after "a": it is no number
	news                        // something, of which a question asks
	alert                       // that something is to be known, as "watch out" and "they get on"
)

// lists are the words of the classes, in all languages.
var lists = []struct {
	class class
	words string
}{
	{inspector, `konti kontis kontie kontro kontros kontrol kontrollis kontretti kontrettis kontroletti kontrolettis kontrolletti kontrollettis
		kontrolleur kontrolleure kontrolleuren kontrolleurin kontrolleurinnen kontrolleurs kontrolör kontrolöre kontrollor kontrollore kontroleur kontroleure
		kontrollierende kontrolettis prüfer prüferin prüferinnen prüfern fahrkartenprüfer ticketprüfer schwarzkappler schwarzkapplerin schwarzkapplern
		schaffner schaffnerin schaffnerinnen zivi zivis zivile ziviler zivilen zivil westenträger bvgler vagler wlbler
		inspector inspectors controller controllers conductor conductors checker checkers
		kontrolörler kontrolcü kontrolcüler biletçi biletçiler kondüktör müfettiş müfettişler görevli görevliler
		контролер контролери контролерів контролера контролерка контролерки контролерами контролёры контролеры кондуктор кондуктори кондукторів
		مفتش مفتشين مفتشون مفتشان المفتش المفتشين المفتشون مراقب مراقبين مراقبون مراقبان المراقب المراقبين المراقبون كونترول
		contrôleur contrôleurs contrôleuse contrôleuses`},
	{control, `kontrolle kontrollen kontrolliert kontrollieren kontrolieren kontrole fahrkartenkontrolle fahrscheinkontrolle ticketkontrolle prüfdienst
		inspection inspections control controls checking kontrol kontroller kontrolü denetim контроль перевірка перевіряють
		تفتيش مراقبة contrôle contrôles contrôlent`},
	{person, `stück leute leuten leut typ typen mann männer frau frauen person personen mensch menschen polizist polizisten polizistin polizistinnen cop cops bulle bullen
		security securities securitys sicherheitsleute beamte beamter beamten beamtinnen uniformierte uniformierter mitarbeiter mitarbeitende
		mitarbeiterinnen people persons man men woman women guys officer officers police guards guard
		kişi kişiler adam polis людини людей осіб особи чоловіки чоловіків жінки أشخاص شخص رجال personnes personne hommes femmes agents agent`},
	{kind, `linie line ligne route tram strassenbahn strab straba tramway bim trambahn tramlinie strassenbahnlinie bus autobus buslinie nr nummer
		лінія лінії трамвай автобус خط ترام حافلة باص`},
	{alert, `achtung vorsicht obacht warnung aufpassen augen aufgepasst gesichtet gesehen gsehn warn steht stehen stehn steigt steigen eingestiegen filzen westen uniform uniformen
		careful warning watch beware heads alert spotted seen boarding boarded dikkat uyarı увага обережно стоять стоїть зайшли انتبهوا انتباه احذروا attention alerte gaffe`},
	{news, `was los jemand irgendwas irgendwer etwas anything something anyone anybody someone somebody up şey biri kimse щось хтось شيء أحد quelquun chose`},
	{some, `paar haufen menge bunch few lot pair bisschen kaç birkaç кілька пара`},
	{unit, `min mins minute minuten minutes uhr std stunde stunden h hour hours sek sekunden seconds euro euros eur cent prozent percent km meter m jahr jahre years
		haltestelle haltestellen stationen station stops stop wagen waggon waggons abteil stock mal grad tage tag tagen wochen monate days oclock pm
		dakika dk saat durak lira хв хвилин хвилини хвилину годин година години зупинки зупинок دقيقة دقائق ساعة heure heures euros arrêts ticket tickets bus-busse busse trams züge`},
	{clock, `um gegen seit ab at since gleis bahnsteig platform wagen о об з saat à vers-heure voie quai الساعة`},
	{toward, `richtung richtg ri rtg richt richtig nach towards toward to direction dir bound heading vers напрямку напрямок бік до اتجاه باتجاه الاتجاه نحو إلى الى`},
	{direction, `yönü yönünde yönüne yön istikameti istikametinde istikametine doğru bound`},
	{just, `kurz direkt gleich unmittelbar eine einer zwei`},
	{article, `der die das den dem the le la les l du de des u s ubahnhof haltestelle endstation endhaltestelle halt station bahnhof to zum zur`},
	{where, `am an auf in im bei beim von vom ab zwischen an der die at on in from by between near à a de du en dans sur gare
		и на в у біля від في من عند على على على var und and et ve та і heute gerade grad grade jetzt aktuell momentan schon wieder
		danke bitte leute now right again currently today everyone thanks thank please alle all hier da there here inzwischen mittlerweile soweit
		artık şimdi teşekkürler зараз вже тепер дякую тут الآن شكرا maintenant merci wohl auch too komplett dort gott dank zum glück
		station haltestelle`},
	{verb, `sind ist is are hat steht stehen sitzen sitzt wird werden kommt kommen steigen steigt fährt fahren has wurde waren war`},
	{which, `der dem im`},
	{both, `und oder u and or et ve та і و`},
	{gone, `weg gone left fort verschwunden abgezogen abgehauen disappeared vorbei beendet finished ended gitti gittiler ayrıldılar çıktılar пішли поїхали зникли
		غادروا ذهبوا رحلوا partis parties partie parti`},
	{side, `left`},
	{free, `frei sauber clear clean safe kontrollfrei clean sicher ruhig quiet leer rein temiz boş чисто вільно чиста чистий خالي خالية نظيف نظيفة آمن آمنة libre clean`},
	{surely, `entwarnung kontrollfrei gittiler غادروا رحلوا`},
	{really, `have has just wieder alles alle luft coast beide jetzt sind again all now everything they inzwischen mittlerweile are everyone both sie hepsi artık вже всі все вони вільно-все
		لقد الآن كلهم ils elles sont cest est tout maintenant endlich`},
	{not, `nimmer nicht nich net ned nie not isnt arent isn aren never didnt didn wasnt değil не ليس ليست لم غير pas jamais`},
	{still, `noch still immer bleibt bleiben henüz hâlâ ще досі toujours encore geht gehen gehe lauf lauft laufen fahr fahre fahrt fährt fahren renn rennt
		haut muss müsst müssen go going get run stay keep turn`},
	{none, `kein keine keinen keiner keinerlei niemand niemanden nix nichts no nobody none yok нема немає нікого жодного жодних aucun aucune plus لا يوجد لايوجد`},
	{more, `nimmer mehr anymore more longer artık більше вже بعد plus`},
	{nobody, `keiner niemand niemanden nix nobody kimse нікого personne أحد`},
	{unsure, `hoffentlich bald falls wenn ob sobald bis wann wo wohin wer warum hopefully hope soon if whether until when where who why unless
		maybe vielleicht könnte would should sollte umut umarım eğer mi mı mu mü nerede acaba чи коли де хто якщо може скоро
		هل متى أين اين إذا ربما si quand où qui bientôt estce jespère weiß`},
	{but, `aber dafür but however jedoch allerdings sondern ama fakat але проте mais لكن ولكن`},
	{again, `wieder zurück back again yine tekrar знову знов revenus retour عادوا`},
	{here, `da hier there here back zurück unterwegs burada tekrar тут revenus عادوا aufgetaucht`},
	{other, `ich bin habe hab haben hat mein meine meinen meiner meinem dein deine platz plätze sitz sitze sitzplatz sitzplätze parkplatz parkplätze wohnung zimmer stelle
		stellen eintritt kostenlos gratis angebot angebote rabatt euro eur kaufen testen buchen klick klicke gewinn gewinnen bestellen versand
		ahnung ticket tickets fahrkarte fahrkarten fahrschein fahrscheine handy gemacht machen putzen geputzt gewischt gereinigt reinigung
		toilette toiletten klo klos wc aufzug aufzüge fahrstuhl lift rolltreppe rolltreppen treppe tür türen strecke streckensperrung weiche weichen gleis gleise fahrbahn
		straße kreuzung radweg parkplätze störung störungen stau unfall unfallstelle sperrung umleitung baustelle signalstörung oberleitung notarzt notarzteinsatz
		polizeieinsatz feuerwehreinsatz einsatz stromausfall verspätung verspätungen ausfall schnee eis regen streik warnstreik demo zug züge müll wasser luft-filter
		toilet toilets restroom elevator escalator lift track tracks road traffic accident disruption delay delays train trains construction rain snow
		tuvalet asansör yol trafik kaza ескалатор ліфт туалет дорога аварія затор дощ المصعد الطريق حمام toilettes ascenseur escalator route circulation
		accident travaux panne retard train
		i my your seat seats free-trial buy sale discount click cache phone wallet apartment room offer
		benim ben мій моя я mon ma mes je place places أنا`},
	{moved, `jetzt now dafür stattdessen nun instead sondern şimdi тепер зараз maintenant الآن`},
	{group, `gruppe gruppen team trupp trupps pack karte ticket sitz kette truppe rudel packung streifen streifenkarte`},
	{ordinary, `bahnhof bahnhöfe bahnhofs rathaus rathäuser rathauses kirche kirchen kirsche kirschen museum museen schule schulen messe messen messer
		friedhof friedhöfe krankenhaus klinikum kliniken universität stadion zentrum theater brücke brücken straße straßen station stationen
		market markets church school schools kontrolle kontrollen kontrolliert kontrollieren fahren fahrer fahrerin fahrgast fahrgäste
		bereits hinten vorne vorsicht achtung gerade wieder zwischen unten draußen heute morgen gestern abend mittag morgens abends
		bahnsteig bahnsteige rolltreppe treppe eingang ausgang aufgang halten hält stehen steigen steht sitzen laufen gehen kommen kommt gesehen
		eingestiegen ausgestiegen umgestiegen einsteigen aussteigen umsteigen blaue blauen schwarze schwarzen grüne grünen gelbe gelben westen
		jacken jacke uniform uniformen männlich weiblich männliche weibliche ältere jüngere große kleine großer kleiner mehrere einige viele
		manche anderen andere anderer anderes fahrausweis fahrausweise fahrkarte fahrkarten fahrschein ticket tickets please bitte danke
		people platform carriage boarding boarded getting standing waiting looking checking inspectors inspector controllers police security
		polizei westliche östliche nächste nächsten nächster letzte letzten erste ersten zweite zweiten dritte dritten hintere vordere
		linie linien wagen waggon abteil strecke minuten minute stunden immer niemand jemand keiner alles welche welcher
		freitag samstag sonntag montag dienstag mittwoch donnerstag wochenende innenstadt stadtmitte altstadt
		arbeit arbeiten schnell langsam wirklich vielleicht natürlich eigentlich ungefähr unterwegs richtung
		marker marken garten gärten berlin berliner münchen münchner wiener hamburg hamburger park parken`},
	{common, `neu neue neuer neues neuen alt alte alter altes alten old new am zur zum vieux nouveau vieille nouvelle yeni eski новий нова стара старий
		post markt märkte kapelle dom schloss burg zoo hafen brunnen mühle bad hallenbad freibad park see wald wiese insel arena halle hallen stadthalle
		gericht amt finanzamt arbeitsamt jobcenter polizeipräsidium feuerwehr flughafen airport bücherei bibliothek mensa campus uni hochschule gymnasium
		schwimmbad sportplatz spielplatz marktplatz kirchplatz festplatz industriegebiet gewerbegebiet siedlung dorf ort
		stadium station library university airport hospital museum garden gardens castle harbour harbor post
		meydan çarşı üniversite hastane okul stadyum stadı müze otogar pazar iskele köprü belediye camii havalimanı
		університет університеті вокзал вокзалі площа площі музей музеї церква церкві школа школі ринок ринку лікарня лікарні театр театрі стадіон стадіоні пошта пошті
		السوق الجامعة المحطة المستشفى المسجد المطار الملعب
		gare mairie église école stade musée marché cité nation université hôpital bourse opéra théâtre château pont`},
	{vague, `nord süd ost west mitte zentrum stadt nordost nordwest südost südwest north south east west centre center bahnhof platz straße strasse
		kirche schule friedhof markt brücke allee weg ring tor turm haus park hof unten oben ii iii`},
	{ordinary | vague, `ende halt weg frei alle der die das den dem und oder aber in im am an auf zu von mit ist sind ein eine einen wir sie er es
		the and for with from are is ici here halte stop gleis zug bahn tram bus achtung`},
}

// counts are words for numbers.
var counts = []string{
	1:  "ein eine einer einen einem eins a an one bir один одна одного واحد un une",
	2:  "zwei zwo zwoa zwa zweit two couple both iki два дві двоє двох اثنان اثنين deux",
	3:  "drei dritt drai three üç три троє трьох ثلاثة ثلاث trois",
	4:  "vier viert four dört чотири четверо чотирьох أربعة اربعة أربع quatre",
	5:  "fünf fünft five beş пʼять пять пятеро خمسة خمس cinq",
	6:  "sechs six altı шість шестеро ستة ست",
	7:  "sieben seven yedi сім семеро سبعة سبع sept",
	8:  "acht eight sekiz вісім ثمانية ثماني huit",
	9:  "neun nine dokuz девять تسعة تسع neuf",
	10: "zehn ten десять عشرة عشر dix",
	11: "elf eleven одинадцять onze",
	12: "zwölf twelve dutzend dozen дванадцять douze",
}

// pairs are words that say by their form that they are two.
const pairs = "مفتشان مفتشين-اثنين مراقبان"

// same are words that stand for the first of their line, in the names of lines and stops
// and in texts.
var same = []string{
	"linie line ligne route лінія лінії лінію خط الخط",
	"tram strassenbahn strab straba tramway tramvay bim trambahn tramlinie strassenbahnlinie streetcar трамвай трамваї трамваю ترام الترام",
	"bus autobus otobüs buslinie автобус автобусі باص الباص حافلة الحافلة",
	"ubahn metro underground ubahnlinie метро مترو المترو",
	"sbahn sbahnlinie",
}

// known is what a word is.
type known struct {
	class class
	count int // the number that it stands for, or 0
}

// dictionary holds the words of this file, by their hash.
var dictionary = newDictionary()

func newDictionary() *lexicon {
	d := &lexicon{slots: newTable(4096)}
	for _, l := range lists {
		d.add(l.words, known{class: l.class})
	}
	for n, words := range counts {
		d.add(words, known{count: n})
	}
	d.add(pairs, known{count: 2})
	return d
}

// lexicon finds words.
type lexicon struct {
	slots table // numbers of words by their hashes
	words []known
}

func (d *lexicon) add(words string, k known) {
	for w := range strings.FieldsSeq(words) {
		d.put(hashOf(w, false), k)
		d.put(hashOf(w, true), k)
	}
}

func (d *lexicon) put(h uint64, k known) {
	i, ok := d.slots.find(h)
	if !ok {
		i = int32(len(d.words))
		d.words = append(d.words, known{})
		d.slots.put(h, i)
	}
	d.words[i].class |= k.class
	d.words[i].count = max(d.words[i].count, k.count)
}

func (d *lexicon) find(hash uint64) known {
	if i, ok := d.slots.find(hash); ok {
		return d.words[i]
	}
	return known{}
}
