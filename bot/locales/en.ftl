# The bot's words in English. Messages are HTML where they are sent as messages; buttons and invoices are plain text.
# A language is a file like this one, named after its two letters.

language-name = English

start =
    { $name ->
        [nobody] Hello!
       *[other] Hello, <b>{ $name }</b>!
    }
    Send me a photo and tap what you would like made of it.
help-intro = <b>Send me a photo</b> (as a photo or as a file, or several at once) and tap what I shall do:
help-style = 🎨 paint it in a style, as strongly as you like, or in two styles at once
help-lookalike = 👀 find out whom you resemble
help-anonymize = 🙈 hide the faces
help-swap = 🎭 { $artworks ->
        [yes] put a face into a work of art, or swap faces
       *[no] swap faces
    } in a photo, between two photos sent together, or with a face you saved
help-authenticity = 🔍 estimate whether a picture is a photograph or was made by AI
help-rules = JPEG, PNG or WebP, up to { NUMBER($megabytes) } MB. Please send only photos you may use, and swap faces only of people who agree.
help-groups = { $mentions ->
        [yes] In groups, mention @{ $name } in the caption of a photo or an album, or send it as a reply to me.
       *[no] In groups I only hear commands and replies: send a photo as a reply to a message of mine. /help@{ $name } brings you one.
    }

# What captions ask for, in this language: phrases separated by |, where * stands for any ending of a word, or for any word.
# They ask: what a caption may just as well tell of the photo (“sorry, it is blurry”) is not among them.
caption-lookalike = who do I look like | who do we look like | who does * look like | look like a celebrity | do I resemble | does * resemble | lookalike | doppelganger* | find my twin | who does * * look like | celebrity do I look like | celebrity do we look like | celebrity does * look like | celebrity look alike | who am I like | who is my double | who s my double | find my double
caption-anonymize = hide face* | hide the face* | hide my face | hide our faces | hide everybody | hide everyone | blur | pixelate | anonymi* | mask the face* | mask face* | hide all face* | hide all the face* | hide all our faces | hide his face | hide her face | hide their face* | cover the face* | cover all face* | cover all the face* | censor the face* | censor face*
caption-swap = swap* | change face* | change the face* | exchange face* | exchange the face* | faceswap* | switch face* | switch the face* | switch our faces | trade faces
caption-authenticity = is it real | is this real | is that real | real or fake | real or not | fake or real | is it fake | is this fake | is it ai | is this ai | made by ai | ai generated | deepfake* | is this photo real | is this picture real | is this image real | is this photo fake | is this picture fake | is this image fake | is the photo real | is the picture real | real or ai | ai or real
caption-paint = paint | repaint | draw | style | restyle* | stylis* | styliz* | manner
caption-beside = the | a | an | in | into | as | like | of | by | s | with | please | now | then | and | again | also | it | me | us | do | make | turn | try | make this | turn this | i want | i would like | i d like | can you | could you | would you | look like | this photo | this picture | make this photo | make this picture | into a painting
caption-style-starry_night = van gogh*
caption-style-the_scream = munch
caption-style-wave = great wave | hokusai*
caption-style-composition_vii = kandinsky* | composition 7
caption-style-udnie = picabia*
caption-blur = blur
caption-pixelate = pixelate
caption-replace = mask*

ask-language = Which language shall I speak?
language-set = I speak English now.

settings =
    <b>Settings</b>
    Tap to change. The row of percentages is how strongly I paint.
setting-as-file = Send results as files: { $state ->
        [on] yes
       *[off] no
    }
setting-keep-history = Keep my photos for longer: { $state ->
        [on] yes
       *[off] no
    }

ask-wish = What shall I make of it? Choose a style:
ask-wish-without-styles = What shall I make of it?
ask-method = How shall I hide the faces?

status-queued = { $position ->
        [one] In the queue: one picture before yours.
       *[other] In the queue: { $position } pictures before yours.
    }
status-next = You are next.
status-working = On it…

# Styles by their names in a pack. The English words are its titles: a pack that calls something else by such a name
# keeps its own title in every language.
style-starry_night = The Starry Night
style-the_scream = The Scream
style-wave = The Great Wave off Kanagawa
style-composition_vii = Composition VII
style-udnie = Udnie (Young American Girl, The Dance)

result-style = <b>{ $style }</b>
result-swap = Faces swapped.
result-swap-left = { $faces ->
        [one] One face could not be swapped and was not charged: it is turned away, too small or too young.
       *[other] { $faces } faces could not be swapped and were not charged: they are turned away, too small or too young.
    }
result-anonymize = Nobody to be seen.
result-again = Here it is again.
result-file = As it was made, to the last pixel.
result-lookalike = <b>You look like…</b>
result-match = { $place }. <b>{ $name }</b>{ $role ->
        [none] {""}
       *[other] , { $role }
    } · { $similarity } %
lookalike-method = Everybody has a closest double in this gallery. N % means: of 100 people, N are less like their own closest double than these two faces are like each other. Never below 1 or above 99.
result-lookalike-note = <i>A game, not an identification.</i>
result-authenticity-real = 📷 This looks like a photograph to me. I put the chance that AI made it at <b>{ $percent } %</b>.
result-authenticity-ai = 🤖 This looks like a picture made by AI. I put the chance of that at <b>{ $percent } %</b>.
result-authenticity-unsure = 🤷 I cannot tell: I put the chance that AI made it at <b>{ $percent } %</b>, and between { $low } and { $high } % I would only be guessing. That cost you nothing.
result-authenticity-note = <i>An estimate, not proof. Editing, filters and small copies mislead me, and it says nothing about who sent the picture.</i>
album-done = All done. Shall I go on?

credits-new-day = A new day begins in { NUMBER($hours) } h, with { NUMBER($daily) ->
        [one] one picture
       *[other] { NUMBER($daily) } pictures
    }.
credits-for-sale = You can get more now.
credits-returned = It cost you nothing.

button-more-styles = More styles ➡️
button-lookalike = 👀 Who do I look like?
button-hide = 🙈 Hide faces
button-swap = 🎭 Swap faces
button-authenticity = 🔍 Is it real?
button-blur = Blur
button-pixelate = Pixelate
button-replace = Mask
button-again = 🔁 Again
button-another-style = 🎨 Another style
button-else = ✨ Something else
button-strength = 💪 Strength
button-blend = 🧪 Blend
button-back = ⬅️ Back
button-as-file = 📎 As a file
button-share = ↗️ Share
button-help = ❓ Help
button-settings = ⚙️ Settings
button-plans = ⭐ Credits
button-quota = 🖼 Pictures left
button-faces = 🎭 My faces
button-language = 🌐 Language
button-privacy = 🔒 Privacy
button-delete = 🗑 Delete everything
button-delete-really = Yes, delete everything
button-pack = { $credits ->
        [one] 1 credit
       *[other] { NUMBER($credits) } credits
    } for { NUMBER($stars) } ⭐
button-subscribe = { NUMBER($stars) } ⭐ a month: { $daily ->
        [one] one picture
       *[other] { NUMBER($daily) } pictures
    } a day
button-pay-subscription = Subscribe for { NUMBER($stars) } ⭐ a month
button-stop-renewal = End the subscription
button-stop-really = Yes, end it
button-open-chat = 💬 Open our chat
button-artworks = 🖼 Into a work of art
button-more-artworks = More works of art ➡️
button-swap-among = 🔀 Swap them with each other
button-keep-face = 💾 Save this face
button-leave-face = Leave it as it is
button-leave-rest = Leave the rest as they are
button-put-face = 🎭 Put it here
button-dead = This button is from another time. Send the photo again, or see what I can do.

flood = { $seconds ->
        [one] That was quick, and I missed it! Try again in a second.
       *[other] That was quick, and I missed it! Try again in { $seconds } seconds.
    }

anonymous = Here you write as a group or a channel, and I only work for people. Choose your own name as the sender and write to me again.

not-taken-video = I cannot work with videos, only with photos.
not-taken-animation = I cannot work with animations, only with photos.
not-taken-video_note = I cannot work with video messages, only with photos.
not-taken-sticker = A fine sticker! I work with photos, though.
not-taken-voice = I cannot listen to voice messages. Please send me a photo.
not-taken-audio = I cannot listen to music. Please send me a photo.
not-taken-text = I work with photos: send me one, and I will show you what can be made of it.
not-taken-other = I can only work with photos.

error-too-large = This picture is too large for me. Sent as a photo rather than as a file, it will do: Telegram makes it smaller.
error-not-an-image = This is not a picture I can read: as files I take JPEG, PNG and WebP. Other pictures can be sent as a photo rather than as a file.
error-undecodable = This picture is damaged: I cannot read it. Could you send it once more?
error-forwarded = Forwarded photos are not taken here. Please send your own.
error-invalid-field = That is not possible with this photo.
error-no-face = I cannot find a face in this photo.
error-several-faces = There has to be exactly one face in the photo.
error-too-many-faces = There are { NUMBER($given) } faces in this picture, and I can only ask about { NUMBER($most) }. Send me a part of it with fewer people.
error-face-unsuitable = This face cannot be used: { $reason ->
        [too-small] it is too small. A larger photo of it will do.
        [cut-off] part of it is outside the picture.
        [profile] it is turned away too far.
        [pose] it looks another way than the face that it should replace.
        [same-face] it is there already.
        [age] faces are only swapped where everybody looks of age.
       *[none] it is turned away, too small or too young.
    }
error-unknown-style = This style is not on offer any more. Please choose another.
error-unknown-artwork = I do not have this work of art (any more).
error-unknown-model = This is not on offer any more.
error-unknown-job = This picture is no longer here.
error-expired = This photo is no longer here: I do not keep photos for long. Please send it again.
error-overtaken = You had everything deleted while this photo was on its way, so I did not keep it. If you still want something made of it, send it again.
error-plan-needed =
    Putting a face into a photo of your own is part of the subscription: { $daily ->
        [one] one picture
       *[other] { NUMBER($daily) } pictures
    } a day for { NUMBER($stars) } ⭐ a month. { $artworks ->
        [yes] For works of art you need none.
       *[no] {""}
    }
error-refused = I cannot do this: { $rule }.
error-busy = Too many people are here right now. Please try again in a little while.
error-unavailable = The studio is busy or being repaired. Please try again in a little while.
error-insufficient-credits = { $needed ->
        [one] This counts as one picture
       *[other] This counts as { NUMBER($needed) } pictures
    }, and you have { $available ->
        [0] none
       *[other] { NUMBER($available) }
    } left.
error-album-too-large = { $most ->
        [one] I can take one photo at a time.
       *[other] I can take { $most } photos at a time, and these are { $given }.
    }
album-with-plus = Subscribers send up to { NUMBER($most) } at a time.
error-queue-full = You have { NUMBER($most) } pictures waiting already. Let me finish those first.
error-too-many-identities = You have { NUMBER($most) } saved faces already. Delete one first.
error-name-taken = You have a face of this name already.
error-no-name = There is nothing to read in this name. Reply to my question with another.
error-unknown-identity = This face is no longer saved.
error-no-pictures = This group does not let me send pictures, so you pay nothing. An administrator can change that, or send me the photo in private.
error-undeliverable = I could not deliver the result.
error-internal = Something went wrong, and it is our fault. Please try again.

rule-explicit = it shows nudity
rule-suggestive = it is too revealing for this house
rule-other = it breaks the house rules

plans-quota = Today: <b>{ NUMBER($left) }</b> of { NUMBER($quota) } pictures left.
plans-credits = Credits: <b>{ NUMBER($credits) }</b>
plans-held = Waiting for work in hand: { NUMBER($held) }
plans-debt = Owed after a refund: { NUMBER($debt) }
plans-plus = Subscription paid until { $until }.
plans-offer = You can get more with Telegram Stars:
plus-offer = { $daily ->
        [one] One picture
       *[other] { NUMBER($daily) } pictures
    } a day{ $extras ->
        [albums-swap] , larger albums, and faces swapped in photos of your own,
        [albums] {" "}and larger albums
        [swap] {" "}and faces swapped in photos of your own
       *[none] {""}
    } for { NUMBER($stars) } ⭐ a month. You can end it at any time.
buy-in-private = I sell in private only: open our chat, and I will show you what there is.
invoice-pack = { $credits ->
        [one] 1 credit
       *[other] { NUMBER($credits) } credits
    }
invoice-pack-about = { $credits ->
        [one] For one picture or face. It does not expire.
       *[other] For { NUMBER($credits) } pictures or faces. They do not expire.
    }
invoice-plus = Monthly subscription
invoice-plus-about = { $daily ->
        [one] One picture
       *[other] { NUMBER($daily) } pictures
    } a day{ $extras ->
        [albums-swap] , larger albums, and faces swapped in photos of your own
        [albums] {" "}and larger albums
        [swap] {" "}and faces swapped in photos of your own
       *[none] {""}
    }
checkout-unknown = This offer is no longer known. Please open the list again.
checkout-not-yours = This offer was made to somebody else.
checkout-banned = You cannot buy anything here.
checkout-price = The price is not right. Please open the list again.
checkout-withdrawn = This is not on offer any more. Please open the list again.
checkout-subscribed = You are subscribed already.
paid-credits = Thank you! { $credits ->
        [one] One credit is yours.
       *[other] { NUMBER($credits) } credits are yours.
    }
paid-credits-owed = Of them, { NUMBER($repaid) } made up for what was owed after a refund.
paid-plus = Thank you! Your subscription is paid until { $until }.
paid-unmatched = Your payment came in, but I cannot tell what it was for. /paysupport says whom to write to.
refunded = { NUMBER($stars) } ⭐ went back to you.
refunded-owed = Of what they bought, { NUMBER($owed) } had been spent already; credits you get later make up for that.
subscription-active = Your subscription goes on.
subscription-canceled = Your subscription will not be renewed. It is paid until { $until }.
subscription-ends = Your subscription will not be renewed.
subscription-failed = Your subscription could not be renewed: there were not enough Stars.
renewal-ask = Your subscription is paid until { $until }, and would not be renewed after that. It cannot be taken up again before. Shall I end it?
renewal-none = There is no subscription to end.
renewal-refused = Telegram would not end a subscription for me. If one is still there, end it yourself: in Telegram's settings, under your Stars.
paysupport =
    <b>Help with payments</b>
    Something bought does not work, or you want your Stars back? Describe it to { $support ->
        [nobody] the operator of this bot
       *[somebody] { $support }
    } and name the payment. Telegram's own support cannot help with purchases made here.
paysupport-in-private = In our own chat, /paysupport also lists what you paid.
paysupport-payment = { $day } · { NUMBER($stars) } ⭐ · <code>{ $charge }</code>

day = { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    } { $year }
lasts-minutes = { NUMBER($count) } min
lasts-hours = { NUMBER($count) } h
lasts-days = { NUMBER($count) ->
        [one] one day
       *[other] { NUMBER($count) } days
    }
privacy =
    <b>What I keep</b>
    • Your photos with their captions, and your results: { $kept }, and then they are gone. If you choose to keep them for longer: { $longer }. (For you: { $yours }.) When, where and with what a photo was taken is not kept.
    • Faces you save, and what you call them, until you delete them.
    • Until you delete everything: the id by which Telegram knows you (not your telephone number), your settings, on which days you came, what you ordered and how that ended{ $money ->
        [yes] , what you paid and spent
       *[no] {""}
    }. Not your name: it comes with your messages, and only one that I cannot see to at once waits as it came, usually for minutes.
    • After /delete: what was done when, under a random number that leads to nobody{ $money ->
        [yes] , and payments for the books, under Telegram's numbers for them
       *[no] {""}
    }.
    • Every photo is checked by machine against the house rules. Nobody looks at it.
    Where it came from is written into every result.
terms =
    <b>House rules</b>
    • Send only photos you may use. Swap faces only of people who agree.
    • No nudity, nobody under age, nothing that is meant to deceive or to hurt.
    • Results say that a machine made them. Leave that in.
    • What fails costs nothing.{ $money ->
        [yes] {" "}Credits do not expire. Refunds: /paysupport
       *[no] {""}
    }
delete-ask =
    Shall I delete <b>everything</b>: photos, results, saved faces{ $money ->
        [yes] , settings, credits and the subscription
       *[no] {" "}and settings
    }?
    This cannot be undone.
deleted =
    Everything is gone: photos ({ NUMBER($photos) }), orders ({ NUMBER($jobs) }), saved faces ({ NUMBER($faces) }) and your settings.
    Pictures that are in this chat already are yours to delete.
deleted-already = Everything is gone already.
deleted-credits = Credits lost: { NUMBER($credits) }.
deleted-subscription = The subscription has ended.
deleted-counts = What stays: what was done when, under a random number that leads to nobody; and until midnight (UTC), under a number that only you lead to, how many of today's pictures you have had.
deleted-payments = What stays for the books: payments: { NUMBER($payments) }, each with Telegram's number for it, its amount and its date. Your id is gone from them, but Telegram knows whose they were.
deleted-debt = What stays, under a number that only you lead to: credits owed after a refund: { NUMBER($debt) }.

faces = Saved faces: { NUMBER($faces) } of { NUMBER($most) }. { $artworks ->
        [yes] 🖼 puts one into a work of art, 🗑 deletes it.
       *[no] Tap one to delete it.
    }
faces-none = You have not saved a face yet. Send a photo of one person, tap “Swap faces”, and then “Save this face”.
ask-face-name = What is this face called? Reply to this message with a name.
ask-face-name-hint = Name
face-kept = Saved as <b>{ $name }</b>. Send a photo, tap “Swap faces”, and choose it.
face-forgotten = <b>{ $name }</b> is forgotten.

swap-two-photos = For a swap, send one photo, or two together: first the face, then the picture for it.
swap-numbers-one = The faces of your photo
swap-numbers-two = First photo: where faces come from. Second photo: where they go.
swap-ask-source = Whose face shall go where?{ $own ->
        [yes] {" "}To take one from another photo, send both together: first the face, then the picture for it.
       *[no] {""}
    }
artworks-ask = Which work of art shall it be?
artworks-numbers-one = The faces of this work of art
artworks-numbers-two = First picture: your photo. Second picture: where the faces go.
swap-ask-face = Face { NUMBER($face) } of { NUMBER($faces) }: which one shall go there?
swap-ask-place = Face { NUMBER($face) } of { NUMBER($faces) }: shall yours go there?
swap-nothing = Then everything stays as it is.

inline-nothing = Make a picture first
inline-picture = A picture
