#:property PublishAot=false
#:package Microsoft.Playwright
// Frames of the page of a graph while somebody points at nodes, scrolls, and moves the pruning slider, with 1,000, 10,000 and 50,000 edges: one event
// a frame, and the time from each frame to the next. Needs Chromium. Run:
//     gemmascope serve --model demo-pt --circuits EMPTY-FOLDER --port 5032 &
//     dotnet run bench/circuit-frames.cs http://127.0.0.1:5032
// With the path of a graph's page instead of numbers of edges: how long it takes until its nodes are there, five times.
//     dotnet run bench/circuit-frames.cs http://127.0.0.1:5032 /circuits/NAME
using System.Globalization;
using System.Text;
using Microsoft.Playwright;

var address = args.Length > 0 ? args[0] : "http://127.0.0.1:5000";
string[] pages = [.. args.Skip(1).Where(one => one.StartsWith('/'))];
int[] sizes =
    pages.Length > 0 ? []
    : args.Length > 1 ? [.. args[1..].Select(size => int.Parse(size, CultureInfo.InvariantCulture))]
    : [1000, 10_000, 50_000];
const int frames = 120;

using var playwright = await Playwright.CreateAsync();
await using var browser = await playwright.Chromium.LaunchAsync(
    new() { ExecutablePath = "/usr/bin/chromium", Args = ["--no-sandbox", "--disable-gpu"] }
);
foreach (var path in pages)
    for (var i = 0; i < 5; i++)
    {
        var page = await browser.NewPageAsync(
            new()
            {
                ViewportSize = new() { Width = 1280, Height = 900 },
            }
        );
        var begun = System.Diagnostics.Stopwatch.GetTimestamp();
        await page.GotoAsync(address + path, new() { WaitUntil = WaitUntilState.Commit });
        await page.WaitForSelectorAsync("#nodes .node");
        Console.WriteLine($"{path}: {System.Diagnostics.Stopwatch.GetElapsedTime(begun).TotalMilliseconds:0} ms");
        await page.CloseAsync();
    }
if (sizes.Length > 0)
    Console.WriteLine($"{"edges", -8} {"what", -8} {"median ms", 10} {"95 % ms", 10} {"longest ms", 11}");
foreach (var edges in sizes)
{
    var page = await browser.NewPageAsync(
        new()
        {
            ViewportSize = new() { Width = 1280, Height = 900 },
        }
    );
    await page.GotoAsync($"{address}/circuits");
    var file = Path.Combine(Path.GetTempPath(), $"gemmascope-frames-{Guid.NewGuid():N}.json");
    await File.WriteAllTextAsync(file, Graph(edges));
    var begun = System.Diagnostics.Stopwatch.GetTimestamp();
    await page.SetInputFilesAsync("#open-graph", file);
    await page.WaitForSelectorAsync("#nodes .node");
    File.Delete(file);
    Console.WriteLine($"{edges, -8} {"opened", -8} {System.Diagnostics.Stopwatch.GetElapsedTime(begun).TotalMilliseconds, 10:0}");
    foreach (var (name, step) in Actions())
    {
        // The first of each kind compiles what it needs.
        await page.EvaluateAsync<double[]>(Loop(step), 10);
        double[] times = [.. (await page.EvaluateAsync<double[]>(Loop(step), frames)).Order()];
        Console.WriteLine(
            $"{edges, -8} {name, -8} {times[times.Length / 2], 10:0.0} {times[times.Length * 95 / 100], 10:0.0} {times[^1], 11:0.0}"
        );
    }
    await page.CloseAsync();
}

// What happens in frame i.
static (string Name, string Step)[] Actions() =>
    [
        ("hover", "point(i)"),
        ("pan", "graph.scrollLeft = (i * 37) % Math.max(1, graph.scrollWidth - graph.clientWidth); graph.scrollTop = (i * 11) % 50"),
        ("slider", "slider.value = 0.3 + 0.05 * (i % 15); slider.dispatchEvent(new Event('input', { bubbles: true }))"),
    ];

// A pointer that goes from node to node, whether nodes are elements or drawn.
static string Loop(string step) =>
    $$"""
        async frames => {
          const [graph, slider] = [document.getElementById('graph'), document.getElementById('pruning')]
          const marks = [...document.querySelectorAll('#nodes .node')]
          const point = i => {
            // Every fourth step the pointer goes over free ground.
            const [from, to] = [marks[(i * 7 + 6) % marks.length], marks[(i * 7 + 13) % marks.length]]
            from.dispatchEvent(new PointerEvent('pointerout', { bubbles: true, relatedTarget: i % 4 ? to : graph }))
            to.dispatchEvent(new PointerEvent('pointerover', { bubbles: true, relatedTarget: from }))
          }
          const times = []
          await new Promise(done => {
            let before, i = 0
            const next = now => {
              if (before !== undefined) times.push(now - before)
              before = now
              if (i === frames) { done(); return }
              {{step}}
              i++
              requestAnimationFrame(next)
            }
            requestAnimationFrame(next)
          })
          return times
        }
        """;

// A graph whose edges lead upwards and to the right: about one node for every fifteen edges.
static string Graph(int edges)
{
    const int tokens = 24,
        layers = 26;
    var (random, nodes, links) = (new Random(3), Math.Max(60, edges / 15), new HashSet<(int, int)>());
    var (rows, columns) = (new int[nodes], new int[nodes]);
    for (var i = 0; i < nodes; i++)
        (rows[i], columns[i]) =
            i < tokens ? (-1, i)
            : i < tokens + 3 ? (layers + 1, tokens - 1)
            : (random.Next(layers), 1 + random.Next(tokens - 1));
    while (links.Count < edges)
    {
        var (from, to) = (random.Next(nodes), random.Next(tokens, nodes));
        if (rows[from] < rows[to] && columns[from] <= columns[to])
            links.Add((from, to));
    }
    var text = new StringBuilder(
        "{\"metadata\":{\"slug\":\"frames\",\"scan\":\"random\",\"prompt\":\"frames\",\"schema_version\":1,\"prompt_tokens\":["
    );
    text.AppendJoin(',', Enumerable.Range(0, tokens).Select(i => $"\" word{i}\"")).Append("]},\"qParams\":{},\"nodes\":[");
    text.AppendJoin(
        ',',
        Enumerable
            .Range(0, nodes)
            .Select(i =>
            {
                var type =
                    rows[i] < 0 ? "embedding"
                    : rows[i] > layers ? "logit"
                    : i % 4 == 0 ? "mlp reconstruction error"
                    : "cross layer transcoder";
                return $$"""{"node_id":"n{{i}}","feature":{{i}},"layer":"{{(rows[i] < 0 ? "E" : rows[i])}}","ctx_idx":{{columns[i]}},"feature_type":"{{type}}","jsNodeId":"{{Math.Max(0, rows[i])}}_{{i}}-0","clerp":"","influence":{{(i + 1.0) / nodes:0.0000}}}""";
            })
    );
    text.Append("],\"links\":[");
    text.AppendJoin(
        ',',
        links.Select(link =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"source\":\"n{link.Item1}\",\"target\":\"n{link.Item2}\",\"weight\":{Math.Pow(random.NextDouble() * 2 - 1, 3):0.00000}}}"
            )
        )
    );
    return text.Append("]}").ToString();
}
