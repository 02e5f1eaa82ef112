# Слова бота по-русски. Сообщения — HTML; кнопки и счета — простой текст.

language-name = Русский

start =
    Здравствуйте, <b>{ $name }</b>!
    Пришлите фотографию и нажмите на то, что с ней сделать.
help-intro = <b>Пришлите фотографию</b> (снимком или файлом, можно несколько сразу) и выберите, что сделать:
help-style = 🎨 нарисовать в стиле художника: сильнее, слабее или в двух стилях сразу
help-lookalike = 👀 узнать, на кого вы похожи
help-anonymize = 🙈 скрыть лица
help-swap = 🎭 поменять лица: на одном снимке, между двумя снимками, присланными вместе, или на сохранённое лицо
help-rules = JPEG, PNG или WebP, до { NUMBER($megabytes) } МБ. Присылайте только фотографии, на которые у вас есть право, и меняйте лица только тех, кто согласен.
help-groups = В группах упомяните @{ $name } в подписи или ответьте мне.

ask-language = На каком языке говорить?
language-set = Теперь я говорю по-русски.

settings =
    <b>Настройки</b>
    Нажмите, чтобы изменить. В ряду с процентами — сила стиля.
setting-as-file = Присылать файлом: { $state ->
        [on] да
       *[off] нет
    }
setting-keep-history = Хранить фотографии дольше: { $state ->
        [on] да
       *[off] нет
    }

ask-wish = Что сделать? Выберите стиль:
ask-method = Как скрыть лица?

status-queued = { $position ->
        [one] В очереди: перед вами { $position } картина.
        [few] В очереди: перед вами { $position } картины.
       *[other] В очереди: перед вами { $position } картин.
    }
status-next = Ваша картина следующая.
status-working = Работаю…

result-style = <b>{ $style }</b>
result-swap = Лица поменялись.
result-swap-left = { $faces ->
        [one] Одно лицо заменить не удалось, и оно не оплачено: оно повёрнуто, слишком мелкое или слишком юное.
       *[other] Не удалось заменить лиц: { $faces }. Они не оплачены: повёрнуты, слишком мелкие или слишком юные.
    }
result-anonymize = Никого не узнать.
result-again = Вот она ещё раз.
result-file = Как она была сделана, до последнего пикселя.
result-lookalike = <b>Вы похожи на…</b>
result-match = { $place }. <b>{ $name }</b>{ $role ->
        [none] {""}
       *[other] , { $role }
    } · { $similarity } %
result-lookalike-note = <i>Это игра, а не опознание.</i>
album-done = Готово. Продолжим?

credits-returned = С вас ничего не списано.

button-more-styles = Ещё стили ➡️
button-lookalike = 👀 На кого я похож?
button-hide = 🙈 Скрыть лица
button-swap = 🎭 Поменять лица
button-blur = Размыть
button-pixelate = Пикселями
button-replace = Маской
button-again = 🔁 Ещё раз
button-another-style = 🎨 Другой стиль
button-strength = 💪 Сила
button-blend = 🧪 Смешать
button-back = ⬅️ Назад
button-as-file = 📎 Файлом
button-share = ↗️ Поделиться
button-help = ❓ Помощь
button-settings = ⚙️ Настройки
button-plans = ⭐ Кредиты
button-faces = 🎭 Мои лица
button-language = 🌐 Язык
button-privacy = 🔒 Что я храню
button-delete = 🗑 Удалить всё
button-delete-really = Да, удалить всё
button-pack = Кредитов: { NUMBER($credits) } за { NUMBER($stars) } ⭐
button-subscribe = { NUMBER($daily) } картин в день за { NUMBER($stars) } ⭐ в месяц
button-pay-subscription = Подписаться за { NUMBER($stars) } ⭐ в месяц
button-stop-renewal = Закончить подписку
button-artworks = 🖼 В произведение искусства
button-more-artworks = Ещё произведения ➡️
button-swap-among = 🔀 Поменять между собой
button-keep-face = 💾 Сохранить это лицо
button-leave-face = Оставить как есть
button-dead = Эта кнопка из другого времени. Пришлите фотографию ещё раз.

flood = { $seconds ->
        [one] Как быстро! Я снова слушаю через { $seconds } секунду.
        [few] Как быстро! Я снова слушаю через { $seconds } секунды.
       *[other] Как быстро! Я снова слушаю через { $seconds } секунд.
    }

not-taken-video = С видео я не работаю, только с фотографиями.
not-taken-animation = С анимацией я не работаю, только с фотографиями.
not-taken-video_note = С видеосообщениями я не работаю, только с фотографиями.
not-taken-sticker = Отличный стикер! Но работаю я с фотографиями.
not-taken-voice = Голосовые сообщения я не слушаю. Пришлите фотографию.
not-taken-audio = Музыку я не слушаю. Пришлите фотографию.
not-taken-text = Я работаю с фотографиями: пришлите одну, и я покажу, что из неё можно сделать.
not-taken-other = Я работаю только с фотографиями.

error-too-large = Эта картинка слишком велика для меня. Подойдёт поменьше.
error-not-an-image = Это не картинка, которую я могу прочитать. Подойдут JPEG, PNG и WebP.
error-undecodable = Файл повреждён, прочитать его не получается. Пришлите ещё раз, пожалуйста.
error-forwarded = Пересланные фотографии здесь не принимаются. Пришлите свою.
error-invalid-field = С этой фотографией так не получится.
error-no-face = На этой фотографии я не нахожу лица.
error-several-faces = На фотографии должно быть ровно одно лицо.
error-face-unsuitable = Это лицо не подходит: оно повёрнуто, слишком мелкое или слишком юное.
error-unknown-style = Этого стиля больше нет. Выберите другой.
error-unknown-artwork = Такой картины у меня нет (или больше нет).
error-unknown-model = Этого больше нет.
error-unknown-job = Этой картины здесь больше нет.
error-expired = Этой фотографии здесь больше нет: я храню их недолго. Пришлите её ещё раз.
error-plan-needed =
    Вставить лицо в собственную фотографию можно по подписке: снимков в день: { NUMBER($daily) }, за { NUMBER($stars) } ⭐ в месяц. { $artworks ->
        [yes] В произведение искусства лицо вставляется и без неё.
       *[no] {""}
    }
error-refused = Этого я сделать не могу: { $rule }.
error-busy = Сейчас слишком много гостей. Попробуйте чуть позже.
error-unavailable = Мастерская занята или чинится. Попробуйте чуть позже.
error-insufficient-credits =
    Это стоит { NUMBER($needed) }, а у вас осталось { NUMBER($available) }.
    Завтра будут новые, или можно пополнить сейчас.
error-album-too-large = { $most ->
        [one] Я беру по { $most } фотографии за раз, а здесь { $given }.
       *[other] Я беру до { $most } фотографий за раз, а здесь { $given }.
    }
error-queue-full = В очереди уже ваших картин: { NUMBER($most) }. Сначала закончу их.
error-too-many-identities = Сохранено лиц: { NUMBER($most) }, больше не помещается. Сначала удалите одно.
error-name-taken = Лицо с таким именем у вас уже есть.
error-unknown-identity = Это лицо больше не сохранено.
error-undeliverable = Доставить результат не удалось.
error-internal = Что-то пошло не так, и это наша вина. Попробуйте ещё раз.

rule-explicit = на снимке нагота
rule-suggestive = для этого дома снимок слишком откровенный
rule-other = это против правил дома

plans-quota = Сегодня осталось картин: <b>{ NUMBER($left) }</b> из { NUMBER($quota) }.
plans-credits = Кредиты: <b>{ NUMBER($credits) }</b>
plans-held = Отложено для начатой работы: { NUMBER($held) }
plans-debt = Долг после возврата: { NUMBER($debt) }
plans-plus = Подписка оплачена до { $until }.
plans-offer = Пополнить можно звёздами Telegram:
plus-offer = { NUMBER($daily) } картин в день и альбомы побольше за { NUMBER($stars) } ⭐ в месяц. Закончить можно в любой момент.
invoice-pack = Кредиты: { NUMBER($credits) }
invoice-pack-about = Картин или лиц: { NUMBER($credits) }. Не сгорают.
invoice-plus = Подписка на месяц
invoice-plus-about = { NUMBER($daily) } картин в день и альбомы побольше
checkout-unknown = Это предложение уже неизвестно. Откройте список ещё раз.
checkout-not-yours = Это предложение сделано не вам.
checkout-banned = Вам здесь ничего не продаётся.
checkout-price = Цена не сходится. Откройте список ещё раз.
checkout-withdrawn = Этого больше нет в продаже. Откройте список ещё раз.
checkout-subscribed = Подписка у вас уже есть.
paid-credits = Спасибо! Зачислено кредитов: { NUMBER($credits) }.
paid-plus = Спасибо! Подписка оплачена до { $until }.
paid-unmatched = Платёж пришёл, но за что он — неясно. Напишите в /paysupport.
refunded = Вам возвращено { NUMBER($stars) } ⭐.
refunded-owed = Из купленного уже потрачено: { NUMBER($owed) }; это возместят следующие кредиты.
subscription-active = Подписка продолжается.
subscription-canceled = Подписка не продлится. Она оплачена до { $until }.
subscription-failed = Продлить подписку не удалось: не хватило звёзд.
renewal-stopped = Подписка не продлится. Она оплачена до { $until }.
renewal-none = Подписки, которую можно закончить, нет.
paysupport =
    <b>Помощь с платежами</b>
    Купленное не работает или нужно вернуть звёзды? Опишите это владельцу бота и назовите платёж. Поддержка Telegram с покупками в ботах помочь не может.
paysupport-payment = { $day } · { NUMBER($stars) } ⭐ · <code>{ $charge }</code>

privacy =
    <b>Что я храню</b>
    • Ваши фотографии и картины: { NUMBER($hours) } ч, потом их нет. Если хранить дольше: { NUMBER($days) } дн. (Сейчас у вас: { $history ->
        [on] { NUMBER($days) } дн.
       *[off] { NUMBER($hours) } ч
    })
    • Сохранённые лица, пока вы их не удалите.
    • Ваш номер в Telegram, настройки, платежи. Имени не храню.
    • Каждую фотографию проверяет по правилам дома машина. Люди её не видят.
    Откуда взялась картина, записано в ней самой.
terms =
    <b>Правила дома</b>
    • Присылайте только фотографии, на которые у вас есть право. Меняйте лица только тех, кто согласен.
    • Никакой наготы, никого младше восемнадцати, ничего, что обманывает или ранит.
    • На картинах сказано, что их сделала машина. Не убирайте этого.
    • Кредиты не сгорают. Что не получилось, то не стоит ничего. Возврат: /paysupport
delete-ask =
    Удалить <b>всё</b>: фотографии, картины, сохранённые лица, настройки, кредиты и подписку?
    Вернуть это будет нельзя.
deleted =
    Всё удалено: фотографий: { NUMBER($photos) }, заказов: { NUMBER($jobs) }, сохранённых лиц: { NUMBER($faces) }, и настройки.
    Картины, которые уже в этом чате, удалите сами.
deleted-credits = Потеряно кредитов: { NUMBER($credits) }.
deleted-subscription = Подписка закончена.
deleted-payments = Остаётся платежей: { NUMBER($payments) }, без всякой связи с вами, для бухгалтерии.
deleted-debt = Остаётся долг после возврата: { NUMBER($debt) }, под номером, к которому ведёте только вы.

faces = Сохранено лиц: { NUMBER($faces) } из { NUMBER($most) }. { $artworks ->
        [yes] 🖼 вставит лицо в произведение искусства, 🗑 удалит его.
       *[no] Нажмите на лицо, чтобы удалить его.
    }
faces-none = Вы ещё не сохранили ни одного лица. Пришлите снимок одного человека, нажмите «Поменять лица», а потом «Сохранить это лицо».
ask-face-name = Как зовут это лицо? Ответьте на это сообщение именем.
ask-face-name-hint = Имя
face-kept = Сохранено: <b>{ $name }</b>. Пришлите снимок, нажмите «Поменять лица» и выберите его.
face-forgotten = <b>{ $name }</b> забыто.

swap-two-photos = Для обмена пришлите один снимок или два вместе: сначала лицо, потом картинку для него.
swap-numbers-one = Лица на вашем снимке
swap-numbers-two = Первый снимок — откуда лица. Второй — куда.
swap-ask-source = Чьё лицо и куда? Чтобы взять его с другого снимка, пришлите оба вместе: сначала лицо, потом картинку для него.
artworks-ask = Какое произведение выберете?
artworks-numbers-one = Лица на этом произведении
artworks-numbers-two = Первая картинка — ваш снимок. Вторая — куда вставить лица.
swap-ask-face = Лицо { NUMBER($face) } из { NUMBER($faces) }: какое сюда поставить?
swap-nothing = Тогда всё остаётся как есть.

inline-nothing = Сначала сделайте картину
inline-picture = Картина
