#:project ../src/GemmaScope.Server/GemmaScope.Server.csproj
// Starts the microscope inside a program and asks it over HTTP, as any program could. Run: dotnet run samples/microscope.cs
using System.Net.Http.Json;
using System.Text.Json;
using GemmaScope.Server.Hosting;
using GemmaScope.Workbench;

using var microscope = await Microscope.OpenAsync(
    new()
    {
        Model = "demo-pt",
        Use = DictionaryUse.Many,
        Dictionaries = ["demo-sae/resid_post/layer_3/width_2k/average_l0_35", "demo-scope/transcoder_all/layer_3_width_1k_l0_16"],
    }
);
await using var server = await ServerHost.StartAsync(new ServerModel(microscope), new ServerOptions { Port = 0 });

using var client = new HttpClient { BaseAddress = server.Address };
const string Text = "The president of the United";

// All dictionaries, each as soon as the model has come past its layer.
JsonElement last = default;
await foreach (var reading in Lines(await client.GetAsync($"/analysis.jsonl?q={Uri.EscapeDataString(Text)}", HttpCompletionOption.ResponseHeadersRead)))
{
    last = reading;
    Console.WriteLine($"{reading.GetProperty("site")}: L0 {reading.GetProperty("mean_l0").GetDouble():0.0}, explained {reading.GetProperty("explained").GetDouble():0.00}, strongest {reading.GetProperty("top")[0].GetProperty("index")}");
}

// Where the strongest feature fires.
var (dictionary, feature) = (last.GetProperty("dictionary").GetString(), last.GetProperty("top")[0].GetProperty("index").GetInt32());
var tested = await (await client.PostAsJsonAsync("/api/test", new { dictionary, feature, text = Text })).Content.ReadFromJsonAsync<JsonElement>();
foreach (var token in tested.GetProperty("tokens").EnumerateArray().Where(token => token.GetProperty("activation").GetDouble() > 0))
    Console.WriteLine($"{token.GetProperty("piece")} {token.GetProperty("activation").GetDouble():0.0}");

// What the model says with and without another feature.
using var request = new HttpRequestMessage(HttpMethod.Post, "/api/steer") { Content = JsonContent.Create(new { dictionary, feature = 1221, text = Text, strength = 60, max_tokens = 8, temperature = 0 }) };
var texts = new Dictionary<string, string>();
await foreach (var piece in Lines(await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead)))
    texts[piece.GetProperty("kind").GetString()!] = texts.GetValueOrDefault(piece.GetProperty("kind").GetString()!) + piece.GetProperty("text").GetString();
foreach (var (kind, text) in texts.OrderBy(pair => pair.Key)) Console.WriteLine($"{kind}: {Text}{text}");

static async IAsyncEnumerable<JsonElement> Lines(HttpResponseMessage answer)
{
    using var lines = new StreamReader(await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync());
    while (await lines.ReadLineAsync() is { } line) yield return JsonDocument.Parse(line).RootElement;
}
