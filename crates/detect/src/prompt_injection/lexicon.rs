//! Words by what they do in an instruction, so that a paraphrase looks like its original.
//!
//! The classifier sees each word both as itself and as its class. What it learns of one word of a
//! class, it knows of the others, also in a language that its training data hardly hold.

use crate::fold;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// What a token is for. Those before [`Class::Other`] are marked: pairs of them are a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    Ignore = 1,
    Prior,
    Instruction,
    Model,
    Reader,
    Disclose,
    Secret,
    Send,
    Fetch,
    Execute,
    Destroy,
    Credential,
    Record,
    Money,
    New,
    Must,
    Authority,
    Persona,
    Lawless,
    Repeat,
    Task,
    Done,
    Instead,
    Begin,
    Answer,
    You,
    Me,
    Not,
    Tool,
    Approve,
    Address,
    Markup,
    Role,
    Encoding,
    All,
    Please,
    /// A word of no class.
    Other,
    Number,
    Name,
    Shout,
    Newline,
    Stop,
    Punctuation,
}

/// A word's identity: a hash of its folded letters.
pub type WordId = u64;

/// A set of words.
pub(super) type Words = HashSet<WordId, BuildHasherDefault<Identity>>;

static CLASSES: LazyLock<HashMap<WordId, Class, BuildHasherDefault<Identity>>> =
    LazyLock::new(|| {
        let words = WORDS
            .iter()
            .flat_map(|(class, words)| words.split_whitespace().map(|word| (id_of(word), *class)));
        words.collect()
    });

/// A word's class, if it has one.
pub(super) fn class_of(id: WordId) -> Option<Class> {
    CLASSES.get(&id).copied()
}

/// The identity of a word as [`super::token`] computes it letter by letter.
pub(super) fn id_of(word: &str) -> WordId {
    let mut id = EMPTY;
    for character in word.chars() {
        fold::each(character, |folded| id = extended(id, folded));
    }
    id
}

pub(super) const EMPTY: WordId = 0xcbf2_9ce4_8422_2325;

/// FNV-1a over code points.
pub(super) fn extended(id: WordId, character: char) -> WordId {
    (id ^ u64::from(u32::from(character))).wrapping_mul(0x0100_0000_01b3)
}

/// Word identities are hashes already.
#[derive(Debug, Default)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// English first, then what German, Spanish, French, Italian, Portuguese, Dutch, Polish, Czech,
/// Turkish, Croatian, Swedish, Russian and Indonesian say for it.
const WORDS: &[(Class, &str)] = &[
    (
        Class::Ignore,
        "ignore ignores ignored ignoring disregard disregards disregarding disregarded forget \
         forgets forgetting forgot override overrides overriding overridden overrule overrules \
         bypass bypasses bypassing overlook overlooking dismiss discard discards discarding \
         neglect supersede supersedes superseded superseding nullify void voids voided supplant \
         unlearn invalidate invalidated circumvent circumventing disobey abandon evade cease \
         suspend suspended relinquish sidestep pretermit unheed deprioritize replaces \
         ignoriere ignorieren ignorier vergiss vergessen missachte missachten übergehe \
         ignora ignoras ignorar ignoren ignore olvida olvidar olvide olviden omite omitir descarta \
         ignorez ignorer oublie oubliez oublier négligez dimentica dimenticare scorda tralascia \
         esqueça esqueca esquecer desconsidere desconsiderar negeer negeren vergeet vergeten \
         zignoruj ignoruj zapomnij pomiń ignorujte zapomeň zapomeňte görmezden unut yoksay \
         zanemari zaboravi zanemarite ignorera glöm strunta игнорируй игнорируйте забудь забудьте \
         проигнорируй abaikan lupakan",
    ),
    (
        Class::Prior,
        "previous previously prior above preceding earlier before past former formerly foregoing \
         existing original originally initial initially old older aforementioned precedent \
         hitherto beforehand heretofore ago so-far \
         vorherigen vorherige vorigen vorangegangenen bisherigen bisherige obigen früheren \
         anterior anteriores previas previos precedentes précédentes précédents précédente \
         précédent antérieures précédemment precedenti precedente prévias vorige eerdere \
         bovenstaande poprzednie wcześniejsze předchozí dosavadní önceki yukarıdaki prethodne \
         prethodna tidigare föregående предыдущие предыдущих прежние sebelumnya",
    ),
    (
        Class::Instruction,
        "instruction instructions instructed instruct directive directives command commands \
         commanded order orders rule rules guideline guidelines prompt prompts preprompt \
         constraint constraints restriction restrictions limitation limitations filter filters \
         safeguard safeguards guardrail guardrails policy policies programming training \
         directions mandate mandates precept principles requirements censorship alignment \
         safety moderation parameters \
         anweisung anweisungen anweisungs befehl befehle befehlen regeln vorgaben richtlinien \
         aufforderung instrucción instrucciones indicaciones órdenes orden reglas consigne \
         consignes règles directives ordres istruzione istruzioni direttive regole comandi \
         instrução instruções instrucoes ordens regras diretrizes instructies opdrachten \
         aanwijzingen instrukcje polecenia zasady instrukce pokyny příkazy talimat talimatları \
         talimatlar komutları upute instrukcije naredbe instruktioner anvisningar инструкции \
         инструкций указания команды правила instruksi perintah",
    ),
    (
        Class::Model,
        "ai a.i ais assistant assistants chatgpt gpt gpt3 gpt4 gpt5 claude gemini llm llms model \
         models chatbot chatbots bot bots agent agents copilot bard llama mistral grok openai \
         anthropic cursor siri alexa robot algorithm neural artificial intelligence machine \
         llama2 llama3 deepseek qwen cohere \
         ki assistent assistentin asistente modelo modèle modello ia assistente asystent \
         asystencie asistent asistentu yapay zeka yapay-zeka ассистент помощник ии модель asisten \
         sprachmodell",
    ),
    (
        Class::Reader,
        "user users user's human humans customer customers client clients operator operators \
         person people anyone anybody someone somebody everyone nobody developer developers owner \
         recipient victim employee reader readers \
         benutzer nutzer usuario usuarios utilisateur utilisateurs utente utenti usuário \
         gebruiker użytkownik użytkownika użytkownikowi uživatel uživateli kullanıcı kullanıcıya \
         korisnik korisniku användaren пользователь пользователю пользователя pengguna",
    ),
    (
        Class::Disclose,
        "tell tells telling told mention mentions mentioning mentioned disclose disclosing \
         disclosed reveal reveals revealing revealed inform informing informed notify notifying \
         notified alert alerting acknowledge acknowledging explain admit confess expose exposing \
         leak leaks leaking leaked divulge divulging unveil uncover \
         erwähne erwähnen verrate verraten sage informiere menciones mencionar reveles revelar \
         digas révéler révèle révélez mentionne mentionnez rivelare rivela menzionare revele \
         onthul vertel ujawnij wspominaj neříkej söyleme raskrij avslöja раскрой сообщай \
         beritahu ungkapkan",
    ),
    (
        Class::Secret,
        "secret secretly silent silently quiet quietly covert covertly discreet discreetly \
         hidden hide hides hiding conceal concealed concealing invisible invisibly confidential \
         undisclosed stealth stealthily stealthy unnoticed undetected unaware background \
         geheim heimlich stillschweigend secreto silencio silenciosamente secret secrètement \
         discrètement segreto silenziosamente segredo stilletjes geheime potajemnie cichu \
         tajně gizlice sessizce tajno hemligt тайно секретный скрытно незаметно rahasia diam",
    ),
    (
        Class::Send,
        "send sends sending sent forward forwards forwarding email e-mail mail mailing transmit \
         transmitting upload uploads uploading post posts posting submit submitting exfiltrate \
         exfiltrating exfiltration transfer transfers transferring share shares sharing deliver \
         dispatch publish publishing relay route cc bcc wire pay remit append attach embed encode \
         include including smuggle \
         sende senden schicke schicken weiterleiten leite envía envia enviar envíe enviarlo mande \
         manda reenvía envoie envoyez envoyer transmets transmettez invia inviare spedisci \
         envie enviar stuur sturen verzend wyślij wysłać prześlij pošli pošlete odešli gönder \
         ilet pošalji proslijedi skicka отправь отправьте перешли kirim kirimkan",
    ),
    (
        Class::Fetch,
        "read reads reading open opens opening fetch fetching retrieve retrieving access accessing \
         load list lists collect collecting gather gathering obtain find search scan get query \
         dump dumping look lookup grab scrape harvest view visit visiting click navigate browse \
         follow scroll go \
         lies öffne besuche lee abre visita lis ouvre ouvrez visitez leggi apri leia abra acesse \
         lees bezoek przeczytaj otwórz odwiedź přečti otevři ziyaret oku aç posjeti besök \
         прочитай открой посети buka kunjungi",
    ),
    (
        Class::Execute,
        "execute executes executing executed run runs running call calls calling invoke invokes \
         invoking perform performs performing carry install installing download downloading curl \
         wget eval exec bash sh sudo powershell python subprocess shell script terminal cmd npm \
         pip launch trigger activate enable start create add make set schedule book purchase buy \
         order change update modify edit replace insert inject write rewrite alter \
         führe ausführen ejecuta ejecutar exécute exécutez esegui execute uitvoeren voer uruchom \
         wykonaj spusť proveď çalıştır pokreni kör выполни запусти jalankan",
    ),
    (
        Class::Destroy,
        "delete deletes deleting deleted remove removes removing erase erasing wipe wiping destroy \
         drop purge rm disable disables disabling deactivate shutdown kill terminate revoke unlock \
         grant grants chmod 777 turn switch off corrupt sabotage unsubscribe cancel cancels \
         lösche löschen deaktiviere borra elimina desactiva borrar supprime supprimez désactive \
         cancella disattiva apague exclua desative verwijder usuń skasuj smaž smažte sil obriši \
         radera удали отключи hapus",
    ),
    (
        Class::Credential,
        "password passwords passwd passphrase credential credentials token tokens key keys apikey \
         api api-key ssh id_rsa env dotenv private cookie cookies session login logins otp pin \
         2fa mfa code codes pii ssn kubeconfig seed wallet iban authentication permission \
         permissions privileges secrets vault keychain shadow \
         passwort passwörter passwörtern zugangsdaten contraseña contraseñas clave claves mot \
         passe mots identifiants chiavi credenziali senha senhas chaves wachtwoord wachtwoorden \
         hasło hasła hasłami heslo hesla şifre şifreleri parola lozinke lösenord lösenorden \
         пароль пароли ключи ключ kata sandi",
    ),
    (
        Class::Record,
        "file files contents content data database records history conversation conversations chat \
         chats messages emails inbox contacts documents document attachment attachments details \
         information info notes memory context config configuration logs log source repository \
         datei dateien daten archivo archivos datos fichier fichiers données dati arquivos dados \
         bestanden gegevens pliki dane soubory dosyaları verileri datoteke filer файлы данные \
         berkas",
    ),
    (
        Class::Money,
        "money payment payments bitcoin btc ethereum account accounts bank usd eur dollars \
         euros funds card cards credit invoice refund crypto balance $ € £ paypal venmo \
         geld konto dinero cuenta argent compte denaro conto dinheiro conta rekening pieniądze \
         peníze para hesap novac pengar деньги счёт uang rekening",
    ),
    (
        Class::New,
        "new newer updated real actual actually true following next latest current currently \
         revised different another additional subsequent upcoming henceforth onwards onward \
         neue neuen neues folgende folgenden nueva nuevas nuevo siguientes siguiente nouvelle \
         nouvelles nouveau suivante suivantes nuove nuova nuovo seguenti novas nova novo seguintes \
         nieuwe volgende nowe następujące nové následující yeni aşağıdaki nove sljedeće nya \
         följande новые новая следующие baru berikut",
    ),
    (
        Class::Must,
        "must mandatory obligated always strictly immediately urgent urgently important critical \
         crucial essential imperative priority attention warning required require requires need \
         necessary should shall ensure compulsory vital strongly absolutely asap obliged kindly \
         importante wichtig dringend musst sofort debes urgente inmediatamente important doit \
         devez immédiatement devi subito deve imediatamente belangrijk moet musisz natychmiast \
         musíš okamžitě hemen derhal önemli moraš odmah viktigt måste важно срочно должен \
         немедленно penting harus segera",
    ),
    (
        Class::Authority,
        "admin administrator administrators root superuser moderator creator creators authority \
         authorized authorised authorization official compliance security privileged elevated \
         maintenance debug override developers devs ceo management supervisor legal department \
         team headquarters clearance sudoer verified trusted emergency diagnostic test audit",
    ),
    (
        Class::Persona,
        "pretend pretending act acting roleplay role-play rp simulate simulating imagine imitate \
         impersonate emulate behave become persona character dan stan dude jailbreak jailbroken \
         immerse embody portray roleplaying fictional hypothetical character's alter ego \
         hypothetically story novel scenario \
         spiele spielst stell verhalte tu actúa finge simula imagina agis fais imagine fingi \
         agisci finja aja doe speel udawaj zachowuj předstírej gibi davran ponašaj låtsas \
         притворись представь веди berpura bertindaklah",
    ),
    (
        Class::Lawless,
        "unrestricted uncensored unfiltered unlimited amoral immoral evil unethical illegal \
         harmful dangerous explicit nsfw profanity swear obscene offensive hateful racist sexist \
         toxic malware exploit weapon bomb drugs refuse refusal refusing decline apologize apology \
         disclaimer disclaimers ethics ethical morals moral legality freed unbound unchained \
         liberated unshackled boundaries inappropriate politically hate kill",
    ),
    (
        Class::Repeat,
        "repeat repeating output outputs outputting print printing printed display displaying \
         show shows write recite reproduce translate paste spell echo dump verbatim exactly word \
         literally quote transcribe restate reiterate copy say says saying type typed summarize \
         summarise rephrase paraphrase list respond reply answer provide give \
         wiederhole gib zeige zeig schreibe schreib repite muestra imprime escribe répète répétez \
         affiche affichez montre écris ripeti mostra stampa scrivi repita mostre imprima escreva \
         herhaal toon powtórz wypisz pokaż zopakuj vypiš göster yaz tekrarla ponovi ispiši upprepa \
         skriv повтори выведи покажи напиши ulangi tampilkan tulis",
    ),
    (
        Class::Task,
        "task tasks request requests requested job jobs goal goals objective objectives mission \
         assignment question questions query purpose duty duties role intent topic steps step \
         action actions operation procedure \
         aufgabe aufgaben tarea tareas tâche tâches compito compiti tarefa tarefas taak taken \
         zadanie zadania úkol úkoly görev görevi zadatak zadatke uppgift задача задачу задание \
         tugas",
    ),
    (
        Class::Done,
        "done complete completed completes finished finish finishes success successful successfully \
         accomplished achieved resolved closed over fulfilled concluded ended wrapped \
         erledigt completado terminé fatto concluído klaar gotowe hotovo tamamlandı gotovo klart \
         готово selesai",
    ),
    (
        Class::Instead,
        "instead rather now then thereafter otherwise afterwards henceforth today moment from-now \
         stattdessen jetzt nun ahora vez maintenant plutôt adesso invece agora nu teraz zamiast \
         nyní místo şimdi yerine sada umjesto nu istället теперь вместо sekarang",
    ),
    (
        Class::Begin,
        "begin begins beginning start starting first end ends ending top bottom last final until \
         through entire whole full fully complete",
    ),
    (
        Class::Answer,
        "text texts words sentence sentences phrase paragraph response responses summary result \
         results message conversation line lines string statement block codeblock output title \
         article review page website url link links image",
    ),
    (
        Class::You,
        "you your yours yourself ur u you're youre you've youve you'll youll \
         du dich dir deine deinen deiner dein sie ihre ihren tú tu tus vous votre vos ton ta tes \
         tuo tuoi você seu seus sua je jouw jij twoje twój ty tvé sen senin ti tvoje ты твои вы \
         ваши kamu anda",
    ),
    (
        Class::Me,
        "i me my mine myself we us our i'm im i'll ill i've \
         ich mich mir mein meine yo mi mis je moi mes mio miei eu meu meus ik mijn ja moje já \
         moj min я мне мои saya aku",
    ),
    (
        Class::Not,
        "not never dont don't doesnt no nor neither avoid refrain stop without cannot cant can't \
         wont won't isnt arent didnt shouldnt mustnt nothing none \
         nicht keine niemals nie nunca jamás sin ne pas jamais sans non mai senza não nunca sem \
         niet nooit geen nie nigdy bez ne nikdy asla inte aldrig не никогда нет без jangan tidak \
         tanpa",
    ),
    (
        Class::Tool,
        "tool tools function functions plugin plugins server servers mcp parameter argument \
         arguments endpoint browser extension workflow sidenote",
    ),
    (
        Class::Approve,
        "approve approves approved approval confirm confirmation confirmed confirming permission \
         consent ask asking asked allow allowed allowing accept accepted agree agreed verify \
         recommend recommends recommended prefer preferred best safe harmless expected consult \
         rating stars hire candidate score rank",
    ),
    (
        Class::Encoding,
        "base64 rot13 hex decode decoded decoding cipher morse leetspeak reversed unscramble \
         decrypt encoded binary unicode backwards",
    ),
    (
        Class::All,
        "all any every everything each whatever anything both entirely completely totally \
         alle allen alles todo todas todos tout toutes tous tutte tutti todos alle wszystkie \
         wszystko všechny všechno bütün tüm sve svi alla все всё semua",
    ),
    (
        Class::Please,
        "please pls plz kindly bitte porfavor favor s'il svp plaît perfavore alsjeblieft proszę \
         prosím lütfen molim snälla пожалуйста tolong mohon hey hi hello dear greetings",
    ),
    (
        Class::Role,
        "system systems im_start im_end inst sys human assistant_message user_message endoftext \
         endofprompt begin_of_text system_prompt sysprompt developer_message",
    ),
];
