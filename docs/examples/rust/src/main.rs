fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: flashcast-example URL")?;
    let (mut socket, _) = tungstenite::connect(format!("{url}?encoding=text"))?;
    for _ in 0..20 {
        let message = loop {
            // Pings are answered while reading; what is no text is not for us.
            if let tungstenite::Message::Text(text) = socket.read()? {
                break text;
            }
        };
        let flashblock: serde_json::Value = serde_json::from_str(&message)?;
        println!("{}-{}", flashblock["metadata"]["block_number"], flashblock["index"]);
    }
    Ok(socket.close(None)?)
}
