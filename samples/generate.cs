#:project ../src/GemmaScope/GemmaScope.csproj
// Continues a prompt, token by token, then goes on from what the cache remembers. Run: dotnet run samples/generate.cs [MODEL]
using GemmaScope.Models;

using var model = GemmaModel.Load(args is [var name, ..] ? name : "demo-pt");
using var interrupt = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    key.Cancel = true;
    interrupt.Cancel();
};

// Greedy: always the most likely token.
Stream("She opened the door and", new GenerationOptions { Temperature = 0, MaxNewTokens = 20 });

// Sampled: the same seed gives the same text.
var sampled = new GenerationOptions { Temperature = 0.8, TopK = 40, TopP = 0.95, RepetitionPenalty = 1.1, Seed = 7, MaxNewTokens = 40 };
Stream("She opened the door and", sampled);
Stream("She opened the door and", sampled);

// A cache keeps what was read and written, so that each step runs only the new tokens. The last token that was
// generated is not in it yet: it begins the next prompt.
using var cache = model.NewCache();
var reply = model.Generate(model.Tokenizer.Encode("The old man", addBos: true), sampled with { MaxNewTokens = 10 }, cache).ToArray();
int[] next = [.. reply.TakeLast(1), .. model.Tokenizer.Encode(" But the young woman")];
var more = model.Generate(next, sampled with { MaxNewTokens = 10 }, cache).ToArray();
Console.WriteLine($"The old man{model.Tokenizer.Decode(reply)} But the young woman{model.Tokenizer.Decode(more)}");
Console.WriteLine($"{cache.Length} tokens in the cache");

void Stream(string prompt, GenerationOptions options)
{
    Console.Write(prompt);
    // A character may be made of several tokens; the stream decoder holds its bytes back until it is whole.
    var text = model.Tokenizer.CreateStream(skipSpecial: true);
    foreach (var token in model.Generate(model.Tokenizer.Encode(prompt, addBos: true), options, cancellationToken: interrupt.Token))
        Console.Write(text.Append(token));
    Console.WriteLine(text.Flush());
}
