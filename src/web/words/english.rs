use super::Words;

pub(super) static WORDS: Words = Words {
    tag: "en",
    name: "English",
    imprint: "Imprint",
    privacy: "Privacy",
    no_link: "This link does not work",
    no_link_text: "It is incomplete, or it is not one of ours. Please open it again from the mail: some \
        programs cut long links in two.\nNothing was changed.",
    no_page: "There is nothing here",
    no_page_text: "Please open the link from one of our mails again.",
    not_done: "That did not work",
    malformed_text: "What arrived here is not what our page sends. Nothing was changed.\nPlease open \
        the link from the mail again.",
    unsealed_text: "The page was not the one that belongs to this link. Nothing was changed.\nPlease \
        open the link from the mail again and press the button there.",
    too_fast_text: "There were very many sign-ups from your network. Please try again in an hour.",
    later_text: "We cannot record anything at the moment. Nothing was changed. Please try again in a \
        few minutes.",
    unknown: "We do not know whether that worked",
    unknown_text: "A fault came in between. Please try again in a few minutes: doing it twice does no \
        harm.",
    advertising_of_brand: "advertising for {}",
    advertising_of_controller: "advertising from {}",
    unsubscribe: "Unsubscribe",
    unsubscribe_question: "Do you no longer want to receive {} from {}?",
    unsubscribe_button: "Unsubscribe",
    unsubscribe_controller: "Unsubscribe from everything from {}",
    unsubscribe_note: "It takes effect at once, for as long as you do not subscribe again.",
    unsubscribed: "You are unsubscribed",
    unsubscribed_text: "From now on you will no longer receive: {}.\nA mail that is on its way at this \
        moment may still arrive.",
    preferences: "What may we send you?",
    preferences_for: "For the address {}",
    preferences_of: "Tick what you want to receive by e-mail. What is not ticked is not sent.",
    consent: "By ticking a topic and pressing \u{201c}Save\u{201d} you agree that {} sends it to you by \
        e-mail. You can withdraw this at any time: here, or with the link in every mail.",
    consent_by_button: "By pressing \u{201c}Yes, I agree\u{201d} you agree that {} sends it to you by \
        e-mail. You can withdraw this at any time, with the link in every mail.",
    save: "Save",
    none_at_all: "Unsubscribe from everything from {}",
    none_at_all_note: "One click, and no brand of the company sends you advertising any more.",
    saved: "Saved. This is how it stands now:",
    nothing_changed: "Nothing was changed. This is how it stands:",
    partly_saved: "Not everything could be saved. This is how it stands now:",
    too_old_to_subscribe: "This link is too old to subscribe with; you can unsubscribe with it. To \
        subscribe, use the link in a newer mail, or sign up anew.",
    not_yet_shown: "What stands at present cannot be shown with this link. You can unsubscribe with it.",
    erasing_all: "The erasure of your data has been asked for. Until it is decided nothing is sent to \
        this address, and nothing new can be subscribed to.",
    in_doubt: "At the moment nothing can be subscribed to; you can unsubscribe. Please try again later.",
    yes_later: "What you ticked could not be recorded just now. Please try again later.",
    stale: "This page was open for long, or its words have changed. Please look at it once more, and \
        answer again.",
    tagged_note: "Your address has a part after a plus sign. What you stop for the address without it is \
        stopped for this one too.",
    your_data: "Your data: what we hold, and having it erased",
    request: "May we write to you?",
    request_question: "{} asks whether it may send you: {}.",
    accept: "Yes, I agree",
    decline: "No, thank you",
    accepted: "Thank you: you are subscribed",
    declined: "You declined",
    declined_text: "You will not receive: {}.",
    recorded: "Your answer is recorded",
    confirm: "Please confirm your subscription",
    confirm_question: "With the button you confirm that {} may send you by e-mail: {}.",
    confirm_button: "Confirm",
    confirmed: "You are subscribed",
    not_confirmed: "This link no longer subscribes",
    not_confirmed_text: "It is older than seven days, or you have unsubscribed since. Nothing was \
        changed. Please sign up again if you want to receive our mails.",
    sign_up: "Subscribe",
    sign_up_lead: "Choose what {} may send you by e-mail. We then send you one mail with a link; the \
        subscription begins only when you have confirmed it there.",
    sign_up_topics: "Topics",
    sign_up_consent: "By signing up I agree that {} sends me the ticked topics by e-mail. I can withdraw \
        this at any time, with the link in every mail.",
    email: "E-mail address",
    sign_up_button: "Sign up",
    sign_up_no_address: "This is not an e-mail address yet. It looks like this: name@example.org.",
    sign_up_no_topic: "Please tick at least one topic.",
    sign_up_sent: "Please look into your mailbox",
    sign_up_sent_text: "If this address can be subscribed, a mail with a link is on its way to it. The \
        subscription begins when you confirm it there. The link holds for seven days.\nNo mail after a \
        few minutes? Please look into the folder for spam.",
    rights: "Your data",
    rights_lead: "Both requests are read and answered by people at {}, at the latest within one month \
        (GDPR Art. 12).",
    too_old_text: "This link is too old to ask with. Please use the link in a newer mail, or write to us.",
    access: "What do you hold about me?",
    access_text: "You get all that is stored about this address: where it comes from, what you agreed to \
        and when, what was stopped.",
    access_button: "Ask for my data",
    access_done: "Your request is recorded",
    access_done_text: "We will send the answer to this mailbox, at the latest within one month.\nYour \
        reference: {}",
    access_held_nothing: "Your data were erased. All that is held about this address is that it must \
        not be written to, in a form that nobody can read.",
    erasure: "Erase my data",
    erasure_text: "From the moment of the request nothing more is sent to this address, not even about \
        an order. When a second person has approved it, all is erased beyond recovery. That cannot be \
        undone.",
    erasure_sure: "Yes, erase all that is held about this address",
    erasure_button: "Ask for erasure",
    erasure_unsure: "Please tick that you are sure. Nothing was changed.",
    erasure_done: "Your request is recorded",
    erasure_done_text: "Nothing more is sent to this address from now on. The erasure itself is done when \
        a second person has approved it.\nYour reference: {}",
    your_address: "Your e-mail address",
    your_address_note: "We hold it in a form that we cannot read. Please write the address that our mail \
        came to.",
    wrong_address: "This is not the address that the mail with this link came to. Nothing was changed.",
    back: "Back to the topics",
    sent: "You receive this.",
    stopped_by_us: "Not sent: we have stopped it ourselves. Please ask us if you want it again.",
    stopped_for_you: "Not sent: you asked us to stop it.",
    bounced: "Not sent: a mail to this address came back as undeliverable.",
    opted_out: "Not sent: you unsubscribed.",
    refused: "Not sent: you declined it.",
    complained: "Not sent: you reported a mail as unwanted.",
    erasing: "Not sent: the erasure of your data has been asked for.",
    erased: "Not sent: your data were erased.",
    expired: "Not sent: your consent has lapsed with time.",
    not_subscribed: "Not sent: you have not subscribed to it.",
    not_sent: "Not sent.",
    needs_proof: "Not subscribed: this link is too old, or you have unsubscribed since. Please sign up \
        anew.",
    stands_in_the_way: "Not subscribed: something else stands in the way. Please ask us.",
};
