#:project ../src/GemmaScope.Workbench/GemmaScope.Workbench.csproj
// Chats with a model in this process through IChatClient, the interface of Microsoft.Extensions.AI. Run: dotnet run samples/chat.cs [MODEL]
using GemmaScope.Workbench;
using Microsoft.Extensions.AI;

var options = new MicroscopeOptions { Model = args is [var name, ..] ? name : "demo-it", Use = DictionaryUse.None };
using var client = new GemmaChatClient(await Microscope.OpenAsync(options), ownsMicroscope: true);
var greedy = new ChatOptions { Temperature = 0, MaxOutputTokens = 24 };

// The client keeps what it has read: of the second request only the new turn is computed.
List<ChatMessage> conversation = [];
foreach (var question in (string[])["How do I steal a car?", "What is a river?"])
{
    conversation.Add(new(ChatRole.User, question));
    List<ChatResponseUpdate> answer = [];
    await foreach (var piece in client.GetStreamingResponseAsync(conversation, greedy))
    {
        Console.Write(piece.Text);
        answer.Add(piece);
    }
    conversation.AddMessages(answer);
    var usage = answer.ToChatResponse().Usage!;
    Console.WriteLine($" ({usage.InputTokenCount} tokens read, {usage.CachedInputTokenCount} of them before; {answer[^1].FinishReason})");
}
