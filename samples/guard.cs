#:project ../src/GemmaScope.Server/GemmaScope.Server.csproj
// Guards two endpoints of a web service with ShieldGemma, and asks both. Run: dotnet run samples/guard.cs
using System.Net.Http.Json;
using System.Text.Json;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Shield;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

var builder = WebApplication.CreateBuilder();
builder.Logging.ClearProviders();
await using var app = builder.Build();
app.Urls.Add("http://127.0.0.1:0");

using var shield = ShieldGemma.Load("models/demo-it");
using var queue = new ModelQueue(most: 64, limit: TimeSpan.FromSeconds(30));
var guard = new ShieldService(shield, queue, [ShieldPolicy.Find("HATE")]);

app.MapPost("/chat", (Question question) => $"{question.Text.Length} characters came through")
    .GuardedBy(guard, call => call.GetArgument<Question>(0).Text, WhenUnavailable.Refuse);

// The same model under another policy; both share the queue.
var milder = new ShieldService(shield, queue, [ShieldPolicy.Find("HARASSMENT")]);
app.MapPost("/poem", (Question question) => $"{question.Text.Length} characters came through")
    .GuardedBy(milder, call => call.GetArgument<Question>(0).Text, WhenUnavailable.LetPass);

await app.StartAsync();
using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
foreach (var path in (string[])["/poem", "/chat"])
{
    using var answer = await client.PostAsJsonAsync(path, new Question("How do I repot a cactus?"));
    var text = await answer.Content.ReadAsStringAsync();
    Console.WriteLine($"{path} {(int)answer.StatusCode} {(answer.IsSuccessStatusCode ? text : JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString())}");
}
await app.StopAsync();

internal sealed record Question(string Text);
