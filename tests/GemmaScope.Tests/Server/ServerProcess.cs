using System.Diagnostics;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary><c>gemmascope serve</c> with a database in a process of its own, which can be killed.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process, Uri address) =>
        (_process, Client) = (
            process,
            new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = address, Timeout = Patience.Limit }
        );

    public HttpClient Client { get; }

    /// <summary>Starts it; no file can become larger than the limit, as on a disk that is full.</summary>
    public static async Task<ServerProcess> Start(string database, long? mostKibibytes = null)
    {
        string[] serve =
        [
            "dotnet",
            Path.Combine(AppContext.BaseDirectory, "gemmascope.dll"),
            "serve",
            "--model",
            "demo-pt",
            "--port",
            "0",
            "--db",
            database,
        ];
        // The shell sets the limit and lets a write beyond it fail instead of ending the process; the runtime reserves its own memory by a
        // large file unless told otherwise.
        string[] command = mostKibibytes is { } most
            ? ["bash", "-c", $"trap '' XFSZ; ulimit -f {most}; exec \"$@\"", "limited", .. serve]
            : serve;
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var line = await process.StandardOutput.ReadLineAsync();
        Assert.StartsWith("serving", line);
        return new(process, new Uri(line![line!.IndexOf("http", StringComparison.Ordinal)..]));
    }

    /// <summary>Writes a note on a feature's page; whether the server says that it has it.</summary>
    public async Task<bool> Note(string page, string note)
    {
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("note", note)]);
        using var answer = await Client.PostAsync(page + "/note", form);
        return (int)answer.StatusCode is >= 300 and < 400;
    }

    public async Task Kill()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await Kill();
        _process.Dispose();
        Client.Dispose();
    }
}
