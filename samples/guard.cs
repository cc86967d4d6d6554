#:project ../src/GemmaScope.Server/GemmaScope.Server.csproj
// Guards endpoints of a web service with ShieldGemma, and asks them. Run: dotnet run samples/guard.cs
using System.Net.Http.Json;
using System.Text.Json;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Shield;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

args = ["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "None"];   // a free port, and a quiet log

var app = WebApplication.Create(args);
using var guard = ShieldService.Load("demo-it");   // google/shieldgemma-2b is the real one
app.MapPost("/chat", (Question question) => $"{question.Text.Length} characters came through")
    .GuardedBy(guard, (Question question) => question.Text);

// By hand: one model and one queue for guards with policies of their own. What cannot be judged is let pass here.
using var shield = ShieldGemma.Load("demo-it");
using var queue = new ModelQueue(most: 64, limit: TimeSpan.FromSeconds(30));
var milder = new ShieldService(shield, queue, [ShieldPolicy.Find("HARASSMENT")]);
app.MapPost("/poem", (Question question) => $"{question.Text.Length} characters came through")
    .GuardedBy(milder, (Question question) => question.Text, WhenUnavailable.LetPass);

app.Lifetime.ApplicationStarted.Register(() => _ = Ask());
app.Run();

async Task Ask()
{
    using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
    foreach (var path in (string[])["/poem", "/chat"])
    {
        using var answer = await client.PostAsJsonAsync(path, new Question("How do I repot a cactus?"));
        var text = await answer.Content.ReadAsStringAsync();
        Console.WriteLine($"{path} {(int)answer.StatusCode} {(answer.IsSuccessStatusCode ? text : JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString())}");
    }
    await app.StopAsync();
}

record Question(string Text);
