package intent

import (
	"maps"
	"strings"
)

// The words that tell a question from a report, as lowered spells them. Which intent a
// text has is learned; these only say when that can be relied on.
var (
	// greetings come before what somebody wants, and addressed after them.
	greetings = set(`pls plz moinmoin hi hallo hey hej moin moinsen servus hello gruess griass guten gude good na sagt sag sorry entschuldigung excuse frage fragen
		question kurze schnelle quick ey yo huhu tach danke bitte please`)
	addressed = set(`gott morgen morning tag day abend evening mal ma zusammen leute liebe lieber ihr alle there all everyone everybody guys folks
		frage fragen question me lieben euch bot`)
	polite = set(`bitte danke dankeschoen please thanks thank you pls plz thx lg gruss gruesse vielen dank schon mal im voraus
		vorab cheers merci leute euch many in advance und ihr lieben guys everyone hallo hi hey moin servus hello liebe zusammen frage
		fragen kurze quick question guten morgen tag abend good morning sorry entschuldigung ne hab eine`)
	askWords = set(`wou wohi wo wos wohin woher was wer wie wann welche welcher welchen welches welchem irgendwo irgendwelche warum wieso
		where wheres what whats which who how when any anyone anybody anything someone`)
	askVerbs = set(`weis weess woass wassd isch sin seind hets haetts sind stenna stehn gibs gips weiss wisst weisst ist sind wird werden gibt gibts gips hat haben habt hast kann kannst koennt steht stehen
		kontrollieren faehrt fahren muss noch is are has have do does did can could status lage letzte letzten aktuelle
		aktueller meldungen zeig zeige latest last show news gerade san hamma hod han sin`)
	askAfter = set(`in auf an bei mit von on at in from um zu`)

	// which begins questions for places; states are the verbs that follow there.
	which  = set(`wou wohin wo wos where wheres welche welcher welchen welches welchem which`)
	states = set(`isch sin sindn did do have can wheres wos sind ist wird werden stehen steht kontrollieren kontrolliert gibt gibts sitzen fahren laufen treiben san sin sans muss
		soll sollte kann kontrolliern war waren sein seids is are were should have has line lines linie linien bahn bahnen`)
	// matters begin questions for news, which follow: "was ist los", "wie ist die Lage".
	matters = set(`was what whats wie how hows`)
	news    = set(`whats hows ist is gibt gibts geht steht sieht siehts schaut schauts going up new news the its it happening does neues`)
	// knows begins "weiß jemand, ob …"; somebody follows.
	knows    = set(`weis weess woass wassd woiss weiss wisst weisst kann kannst koennt does do can`)
	somebody = set(`eener aaner oana oaner oepper jemand wer ihr irgendwer irgendjemand einer eine man mir du anyone anybody someone you`)
	// wants begins what is no sentence: "Status U1".
	wants = set(`status lage letzte letzten aktuelle aktueller aktuelles meldungen zeig zeige latest last show news update updates current reports`)
	// yesNo begins questions that are answered with yes or no.
	yesNo = set(`isch sin hets haetts stehn stenna gibs gips ist sind wird gibt gibts steht stehen kontrollieren san is are do does was were kommen laufen sitzen fahren kontrolliert`)
	// subjects are what such a question may be about, beside inspectors.
	subjects = set(`sicher jemand wer welche sie die da was irgendwo sauber frei sicher clear safe clean they there anyone anybody anything es was los
		unterwegs irgendwas einer`)
	has        = set(`hot hat habt haben has have`)
	anything   = set(`any anyone anybody irgendwo irgendwelche`)
	perceived  = set(`gsehn gseh gesehn gspotted mitkriegt gesehen gehoert mitbekommen mitgekriegt infos info ahnung neuigkeiten news seen heard spotted meldungen neues kontrollen`)
	depends    = set(`obs oeb ob wo if whether where which welche welcher welchen`)
	articles   = set(`die der den dem the your eure meine zur zum`)
	possessive = set(`my meinem meiner unserer`)
	still      = set(`nu noch immer still`)
	pointing   = set(`das dies this that thats these those it nicht not euch dir`)
	// persons are inspectors where somebody wonders who they are; doing is what they do.
	persons = set(`die sie der they he she`)
	doing   = set(`kontrolliert kontrollieren kontrolliern checking controlling inspecting`)
	// finite are verbs of which a sentence has one.
	finite = set(`ist sind is are isch san wird werden gibt gibts steht stehen stehn sitzen fahren was were wheres hows has have hat habt haben saw`)
	// again begin another question.
	again = set(`wo wou where wie hows whats weiss wassd infos updates lage moin hi hallo hello`)
	// soon are words for when, which may come last.
	soon = set(`gerade grad grade jetzt heute aktuell momentan im moment right now today tonight currently atm rn this morning afternoon evening
		kontrollen kontrolle kontis inspectors controllers von of fuer noch still denn eigentlich bitte please`)
	// nots end a question after "oder".
	nots = set(`nicht nich net ned not no`)
	// people are whom somebody asks who writes to everybody.
	people = set(`jemand wer irgendwer irgendjemand anyone anybody someone somebody`)
	// self is who asks for themselves, and needs are why.
	self  = set(`ich i man we wir`)
	needs = set(`muss musste will wollte moechte fahre brauche need gotta wanna going`)
	// request are the words before what somebody wants to be told.
	request = set(`um info infos information auskunft rueckmeldung brauche brauch braeuchte need want to know knows wissen wuerde gern gerne moechte
		schnell quick quickly kurz can could kann koennte koennt ihr tell let me us mir uns sagen anyone anybody someone somebody jemand wer
		weiss weis bescheid geben i ich das`)
	// directions are told by those who see something, and asked for in marked questions.
	directions = set(`richtung ri rtg towards toward direction`)
	free       = set(`sauber frei sicher clear safe clean ruhig kontrollfrei`)
	// kindsOfPlaces follow "welche".
	kindsOfPlaces = set(`linie linien bahn bahnen ubahn ubahnen sbahn sbahnen tram trams bus busse bussen strassenbahn strassenbahnen zug zuege zuegen
		haltestelle haltestellen station stationen bahnhof bahnhoefe bahnhoefen strecke strecken line lines train trains buses stop stops stations route routes`)
	// lasting are words of who thanks and tells that somebody is still there, or gone.
	lasting = set(`noch hier da jetzt gerade wieder weg still here there now gone`)
	// near and between stand before the name of a place.
	near    = set(`in im auf an am bei beim on at near aufm`)
	between = set(`zwischen nach between to from around um vom von zum zur bis towards richtung und and oder or`)
	// leads stand before a line in a sentence.
	leads = set(`der die dem den das auf in im zur zum the on of ist is mit bei beim oder or an aufm inna inner ner von fuer for about a status
		lage linie line take taking welcher deiner meiner the tram bus ubahn sbahn`)
	// about stands before inspectors in a thank-you and in a question for help.
	about = set(`vor ueber wegen about of against melde meldet melden report see sehe wenn if`)

	// counts are how many inspectors somebody sees.
	counts = set(`zwei zwo drei vier fuenf sechs sieben acht zehn paar mehrere viele beide beiden dutzend haufen trupp gruppe
		two three four five six seven eight ten several many both couple dozen bunch lots`)
	// money is counted, too.
	money = set(`euro euros eur franken stutz quid pounds dollars bucks`)
	// telling are words of those who see something, or warn: no plain question has them.
	telling = set(`achtung vorsicht obacht aufgepasst alarm alert attention beware careful heads warnt pass passt glaub glaube glaubs denk denke scheint seems think reckon zahlen
		heading bound northbound southbound eastbound westbound stadteinwaerts stadtauswaerts
		wieder again warum wieso weshalb why grund reason seit since lange long jeden jede every auch also too nur only als than mehr more
		ganz whole same gleichen selben always allowed duerfen leave leaves leaving verschwinden abhauen behind hinter neben here hier uns us mich else wurde wurden worden eingestiegen ausgestiegen zugestiegen umgestiegen einsteigen aussteigen
		steigen steigt stiegen boarded boarding entered got getting went left just eben soeben 
		zivil zivi zivis zivile ziviler zivilen undercover plainclothes uniform uniformen jacke jacken weste westen muetze cap rucksack brille glatze bart mann maenner frau frauen
		typ typen men woman women vest vests jacket jackets backpack
		wagen waggon wagon carriage treppe rolltreppe treppen stairs gleis platform bahnsteig ausgang eingang exit entrance sperre
		hinten vorne vorn oben unten back front
		ja jep jo yes yep yeah nein nope nee keine kein keiner keinen nix nichts niemand nobody none no weg gone vorbei
		dass sowas krass echt wirklich really bestaetigen confirm bestaetigt gemerkt noticed guess
		weil obwohl aber but because wenn when while waehrend dabei ganzen ganze her hin come diese dieser these those hide dauernd staendig ueberall everywhere
		schwarz erwischt caught fined`)
	// asking are words that questions are made of; none names a place.
	asking = words(matters, which, request, people, self, needs, directions, nots, free, states, news, knows, somebody, wants, yesNo, subjects, has, anything, perceived, depends, still, kindsOfPlaces,
		set(`gerade grad grade momentan aktuell aktuelle aktueller aktuellen aktuelles jetzt now heute heut heit heid abend morgen frueh nacht tonight
		today right at the moment moment currently denn eigentlich so bekannt gemeldet irgendwie zufaellig vielleicht bitte please pls ich i we wir
		muss must watch out aufpassen achten meiden avoid go take ride use mit ohne without with der die den dem ueber about of von zu fuer for
		going happening situation lage ab n ne en a an ein eine einen einem einer eines u u1 alle all stand gesichtet letzte letzten last zuletzt
		mir me sagen tell say sein be been have zeug zug train bus tram bahn ubahn sbahn strassenbahn stadt city los unterwegs around about schon yet
		tickets checked getting theyre theres werd oeppis stehn stenna myki  get worry rechnen erwischen looking look drin drinnen rn atm arvo this afternoon evening night da dr de d em uf ufm aufn nu heid huet
				stunde hour meldung meldungen report ticket haltestelle station sonst any active aktiv s es 'n sicher safe ride welche gefahren durch through aus being meldet`))

	// inspectors are stems of the words for inspectors, and for what they do.
	// officers are such words, whole.
	officers   = set(`aos rpis rpi officers kondis kondi kondies kontrolis kontrollis schwarzkappler schwarzkapplern schwarzkappla schwoazkappler kappler`)
	inspectors = strings.Fields(`konti kontro kontre kondro contro inspe pruef schaffner zivis securit polizei polizist police cops
		conductor check fahrkart fahrschein fahrausweis fuzo bullen`)
)

// exact are texts that leave no doubt, whole.
var exact = map[Intent]map[string]bool{
	Where:       set(`wo where status lage last letzte meldungen`),
	Thanks:      set(`danke dankeschoen merci thanks thx`),
	Subscribe:   set(`start abo abonnieren subscribe anmelden`),
	Unsubscribe: set(`stop stopp unsubscribe abbestellen abmelden austragen`),
	Help:        set(`help hilfe anleitung`),
}

// exactly returns the intent of a text that is one of exact, as "/wo U1" or "Stop".
func exactly(s said) (Intent, bool) {
	if len(s.words) == 0 {
		return Thanks, s.kind && !s.signs
	}
	for i, words := range exact {
		if words[s.words[0]] && (len(s.words) == 1 || s.command && i == Where) {
			return i, true
		}
	}
	return Report, false
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// words returns the words of all sets.
func words(sets ...map[string]bool) map[string]bool {
	m := map[string]bool{}
	for _, s := range sets {
		maps.Copy(m, s)
	}
	return m
}
