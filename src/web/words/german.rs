use super::Words;

pub(super) static WORDS: Words = Words {
    tag: "de",
    name: "Deutsch",
    imprint: "Impressum",
    privacy: "Datenschutz",
    no_link: "Dieser Link funktioniert nicht",
    no_link_text: "Er ist unvollst\u{e4}ndig oder stammt nicht von uns. Bitte \u{f6}ffnen Sie ihn noch \
        einmal aus der E-Mail: Manche Programme schneiden lange Links ab.\nEs wurde nichts ge\u{e4}ndert.",
    no_page: "Hier gibt es nichts",
    no_page_text: "Bitte \u{f6}ffnen Sie den Link aus einer unserer E-Mails noch einmal.",
    not_done: "Das hat nicht funktioniert",
    malformed_text: "Was hier angekommen ist, stammt nicht von unserer Seite. Es wurde nichts \
        ge\u{e4}ndert.\nBitte \u{f6}ffnen Sie den Link aus der E-Mail noch einmal.",
    unsealed_text: "Die Seite geh\u{f6}rte nicht zu diesem Link. Es wurde nichts ge\u{e4}ndert.\nBitte \
        \u{f6}ffnen Sie den Link aus der E-Mail noch einmal und dr\u{fc}cken Sie dort den Knopf.",
    too_fast_text: "Aus Ihrem Netz kamen sehr viele Anmeldungen. Bitte versuchen Sie es in einer Stunde \
        noch einmal.",
    later_text: "Wir k\u{f6}nnen im Augenblick nichts speichern. Es wurde nichts ge\u{e4}ndert. Bitte \
        versuchen Sie es in einigen Minuten noch einmal.",
    unknown: "Wir wissen nicht, ob das funktioniert hat",
    unknown_text: "Ein Fehler ist dazwischengekommen. Bitte versuchen Sie es in einigen Minuten noch \
        einmal: Zweimal schadet nicht.",
    advertising_of_brand: "Werbung der Marke {}",
    advertising_of_controller: "Werbung von {}",
    unsubscribe: "Abmelden",
    unsubscribe_question: "M\u{f6}chten Sie {} von {} nicht mehr erhalten?",
    unsubscribe_button: "Abmelden",
    unsubscribe_controller: "Alles von {} abbestellen",
    unsubscribe_note: "Das gilt sofort und so lange, bis Sie sich wieder anmelden.",
    unsubscribed: "Sie sind abgemeldet",
    unsubscribed_text: "Das erhalten Sie ab jetzt nicht mehr: {}.\nEine E-Mail, die gerade unterwegs \
        ist, kann noch ankommen.",
    preferences: "Was d\u{fc}rfen wir Ihnen senden?",
    preferences_for: "F\u{fc}r die Adresse {}",
    preferences_of: "Kreuzen Sie an, was Sie per E-Mail erhalten m\u{f6}chten. Was nicht angekreuzt ist, \
        wird nicht gesendet.",
    consent: "Wenn Sie ein Thema ankreuzen und \u{201e}Speichern\u{201c} dr\u{fc}cken, stimmen Sie zu, dass \
        {} es Ihnen per E-Mail sendet. Sie k\u{f6}nnen das jederzeit widerrufen: hier oder mit dem Link in \
        jeder E-Mail.",
    consent_by_button: "Wenn Sie \u{201e}Ja, ich stimme zu\u{201c} dr\u{fc}cken, darf {} es Ihnen per \
        E-Mail senden. Sie k\u{f6}nnen das jederzeit widerrufen, mit dem Link in jeder E-Mail.",
    save: "Speichern",
    none_at_all: "Alles von {} abbestellen",
    none_at_all_note: "Ein Klick gen\u{fc}gt, und keine Marke des Unternehmens sendet Ihnen noch \
        Werbung.",
    saved: "Gespeichert. So steht es jetzt:",
    nothing_changed: "Es wurde nichts ge\u{e4}ndert. So steht es:",
    partly_saved: "Nicht alles konnte gespeichert werden. So steht es jetzt:",
    too_old_to_subscribe: "Dieser Link ist zu alt, um sich damit anzumelden; abmelden k\u{f6}nnen Sie sich \
        damit noch. Zum Anmelden nehmen Sie bitte den Link aus einer neueren E-Mail oder melden sich \
        neu an.",
    not_yet_shown: "Was derzeit gilt, kann mit diesem Link nicht angezeigt werden. Abmelden k\u{f6}nnen Sie \
        sich damit.",
    erasing_all: "Die L\u{f6}schung Ihrer Daten wurde verlangt. Bis dar\u{fc}ber entschieden ist, wird an \
        diese Adresse nichts gesendet, und neu anmelden k\u{f6}nnen Sie sich nicht.",
    in_doubt: "Im Moment kann nichts abonniert werden; abmelden k\u{f6}nnen Sie sich. Bitte versuchen Sie es \
        sp\u{e4}ter noch einmal.",
    yes_later: "Was Sie angekreuzt haben, lie\u{df} sich gerade nicht speichern. Bitte versuchen Sie es \
        sp\u{e4}ter noch einmal.",
    stale: "Diese Seite war lange offen, oder ihr Text hat sich ge\u{e4}ndert. Bitte sehen Sie sie noch \
        einmal an, und antworten Sie noch einmal.",
    tagged_note: "Ihre Adresse hat einen Teil nach einem Pluszeichen. Was Sie f\u{fc}r die Adresse ohne ihn \
        abbestellen, ist auch f\u{fc}r diese abbestellt.",
    your_data: "Ihre Daten: Auskunft und L\u{f6}schung",
    request: "D\u{fc}rfen wir Ihnen schreiben?",
    request_question: "{} fragt, ob Sie das erhalten m\u{f6}chten: {}.",
    accept: "Ja, ich stimme zu",
    decline: "Nein, danke",
    accepted: "Danke, Sie sind angemeldet",
    declined: "Sie haben abgelehnt",
    declined_text: "Das erhalten Sie nicht: {}.",
    recorded: "Ihre Antwort ist gespeichert",
    confirm: "Bitte best\u{e4}tigen Sie Ihre Anmeldung",
    confirm_question: "Mit dem Knopf best\u{e4}tigen Sie, dass {} Ihnen das per E-Mail senden darf: {}.",
    confirm_button: "Best\u{e4}tigen",
    confirmed: "Sie sind angemeldet",
    not_confirmed: "Dieser Link gilt nicht mehr",
    not_confirmed_text: "Er ist \u{e4}lter als sieben Tage, oder Sie haben sich inzwischen abgemeldet. Es \
        wurde nichts ge\u{e4}ndert. Bitte melden Sie sich neu an, wenn Sie unsere E-Mails erhalten \
        m\u{f6}chten.",
    sign_up: "Anmelden",
    sign_up_lead: "W\u{e4}hlen Sie, was {} Ihnen per E-Mail senden darf. Wir senden Ihnen danach eine E-Mail \
        mit einem Link; erst wenn Sie dort best\u{e4}tigt haben, beginnt die Zusendung.",
    sign_up_topics: "Themen",
    sign_up_consent: "Mit der Anmeldung stimme ich zu, dass {} mir die angekreuzten Themen per E-Mail \
        sendet. Ich kann das jederzeit widerrufen, mit dem Link in jeder E-Mail.",
    email: "E-Mail-Adresse",
    sign_up_button: "Anmelden",
    sign_up_no_address: "Das ist noch keine E-Mail-Adresse. Sie sieht so aus: name@example.org.",
    sign_up_no_topic: "Bitte kreuzen Sie mindestens ein Thema an.",
    sign_up_sent: "Bitte sehen Sie in Ihrem Postfach nach",
    sign_up_sent_text: "Wenn diese Adresse angemeldet werden kann, ist eine E-Mail mit einem Link an sie \
        unterwegs. Die Zusendung beginnt, wenn Sie dort best\u{e4}tigen. Der Link gilt sieben Tage.\nKeine \
        E-Mail nach einigen Minuten? Bitte sehen Sie auch im Spam-Ordner nach.",
    rights: "Ihre Daten",
    rights_lead: "Beide Anfragen lesen und beantworten Menschen bei {}, sp\u{e4}testens innerhalb eines \
        Monats (Art. 12 DSGVO).",
    too_old_text: "F\u{fc}r eine solche Anfrage ist dieser Link zu alt. Bitte verwenden Sie den Link in einer neueren E-Mail, \
        oder schreiben Sie uns.",
    access: "Was haben Sie \u{fc}ber mich gespeichert?",
    access_text: "Sie erhalten alles, was zu dieser Adresse gespeichert ist: woher sie kommt, welchen \
        Zusendungen Sie wann zugestimmt haben, was gesperrt wurde.",
    access_button: "Auskunft verlangen",
    access_done: "Ihre Anfrage ist eingegangen",
    access_done_text: "Wir senden die Antwort an dieses Postfach, sp\u{e4}testens innerhalb eines \
        Monats.\nIhr Aktenzeichen: {}",
    access_held_nothing: "Ihre Daten wurden gel\u{f6}scht. Gespeichert ist nur noch, dass an diese Adresse \
        nichts gesendet werden darf, in einer Form, die niemand lesen kann.",
    erasure: "Meine Daten l\u{f6}schen",
    erasure_text: "Ab der Anfrage wird nichts mehr an diese Adresse gesendet, auch nicht zu einer \
        Bestellung. Sobald eine zweite Person zugestimmt hat, wird alles unwiederbringlich gel\u{f6}scht. \
        Das l\u{e4}sst sich nicht r\u{fc}ckg\u{e4}ngig machen.",
    erasure_sure: "Ja, alles zu dieser Adresse l\u{f6}schen",
    erasure_button: "L\u{f6}schung verlangen",
    erasure_unsure: "Bitte kreuzen Sie an, dass Sie sicher sind. Es wurde nichts ge\u{e4}ndert.",
    erasure_done: "Ihre Anfrage ist eingegangen",
    erasure_done_text: "Ab jetzt wird nichts mehr an diese Adresse gesendet. Gel\u{f6}scht wird, sobald \
        eine zweite Person zugestimmt hat.\nIhr Aktenzeichen: {}",
    your_address: "Ihre E-Mail-Adresse",
    your_address_note: "Wir halten sie in einer Form, die wir nicht lesen k\u{f6}nnen. Bitte schreiben Sie \
        die Adresse, an die unsere E-Mail kam.",
    wrong_address: "Das ist nicht die Adresse, an die die E-Mail mit diesem Link kam. Es wurde nichts \
        ge\u{e4}ndert.",
    back: "Zur\u{fc}ck zu den Themen",
    sent: "Sie erhalten das.",
    stopped_by_us: "Wird nicht gesendet: Wir haben es von uns aus gesperrt. Bitte fragen Sie uns, wenn \
        Sie es wieder erhalten m\u{f6}chten.",
    stopped_for_you: "Wird nicht gesendet: Sie haben uns gebeten, damit aufzuh\u{f6}ren.",
    bounced: "Wird nicht gesendet: Eine E-Mail an diese Adresse kam als unzustellbar zur\u{fc}ck.",
    opted_out: "Wird nicht gesendet: Sie haben sich abgemeldet.",
    refused: "Wird nicht gesendet: Sie haben es abgelehnt.",
    complained: "Wird nicht gesendet: Sie haben eine E-Mail als unerw\u{fc}nscht gemeldet.",
    erasing: "Wird nicht gesendet: Die L\u{f6}schung Ihrer Daten wurde verlangt.",
    erased: "Wird nicht gesendet: Ihre Daten wurden gel\u{f6}scht.",
    expired: "Wird nicht gesendet: Ihre Zustimmung ist abgelaufen.",
    not_subscribed: "Wird nicht gesendet: Sie haben sich daf\u{fc}r nicht angemeldet.",
    not_sent: "Wird nicht gesendet.",
    needs_proof: "Nicht angemeldet: Dieser Link ist zu alt, oder Sie haben sich inzwischen abgemeldet. \
        Bitte melden Sie sich neu an.",
    stands_in_the_way: "Nicht angemeldet: Etwas anderes steht dem entgegen. Bitte fragen Sie uns.",
};
