//! Where this differs from the official server (`socket.io` 4.8.4 under Node), and why.
//!
//! Both were sent the same odd packets over bare WebSockets, and their answers compared. What is not listed is the same:
//! what is taken, what is refused, what ends the connection, and how.
//!
//! | a client sends | the official server | this one | why |
//! | --- | --- | --- | --- |
//! | anything right behind its `CONNECT` | closes: nobody has joined yet | takes it, unless the system has to think first | its welcome waits for another turn of the event loop even where there is nothing to wait for |
//! | a second `CONNECT` to a namespace before the first is answered | a second member | closes | the first could not be reached any more |
//! | an event without a name, `42` | `undefined` is heard by who hears all | nobody hears it | it is no event |
//! | an event whose name is a number | goes by that number | goes by its digits | names are texts |
//! | white space where the id is due | is 0 | is no id | a whim of the language |
//! | an id from 2^64 on, a number of attachments with a point | taken | closes | numbers have a size |
//! | white space for a packet type | is 0, a `CONNECT` | closes | a whim of the language |
//! | a number that is too large for JSON's readers, half a surrogate pair | `null`; as it is | closes | there is no such value |
//! | rubbish in a post | cuts its connection | answers it `ok`, then ends the session | the post itself was in order |
