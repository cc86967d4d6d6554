using System.Diagnostics;
using System.Net;
using System.Text;
using Xunit;

namespace GemmaScope.Tests;

/// <summary>What a source of advisories says decides about a build; that none answers does not.</summary>
public sealed class PackageAuditTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void a_known_advisory_fails_the_build(int severity)
    {
        using var source = new AdvisorySource("yamldotnet", severity);
        var (code, output) = Restore(source.Address);
        Assert.NotEqual(0, code);
        Assert.Matches("error NU190[1-4].*YamlDotNet", output);
    }

    [Fact]
    public void a_build_without_an_advisory_passes()
    {
        using var source = new AdvisorySource("another.package", 3);
        var (code, output) = Restore(source.Address);
        Assert.True(code == 0, output);
    }

    [Fact]
    public void a_build_that_reaches_no_source_of_advisories_goes_on()
    {
        var (code, output) = Restore("http://127.0.0.1:9/index.json");
        Assert.True(code == 0, output);
        Assert.Contains("NU1900", output);
    }

    /// <summary>Restores a project with our settings and one of our packages, which is here already.</summary>
    private (int Code, string Output) Restore(string advisories)
    {
        foreach (var name in (string[])["Directory.Build.props", "Directory.Packages.props"])
            File.Copy(Path.Combine(Fixtures.Repository, name), _folder.File(name), overwrite: true);
        File.WriteAllText(
            _folder.File("program.csproj"),
            """<Project Sdk="Microsoft.NET.Sdk"><ItemGroup><PackageReference Include="YamlDotNet" /></ItemGroup></Project>"""
        );
        File.WriteAllText(
            _folder.File("nuget.config"),
            $"""
            <configuration>
              <packageSources><clear /></packageSources>
              <auditSources>
                <clear />
                <add key="advisories" value="{advisories}" allowInsecureConnections="true" />
              </auditSources>
            </configuration>
            """
        );
        var start = new ProcessStartInfo("dotnet", ["restore", "--force", "--disable-build-servers"])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The answers of a source are kept for half an hour.
        start.Environment["NUGET_HTTP_CACHE_PATH"] = _folder.File("cache");
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    /// <summary>The part of NuGet's protocol that tells advisories.</summary>
    private sealed class AdvisorySource : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly string _root;

        public AdvisorySource(string package, int severity)
        {
            for (var tries = 0; ; tries++)
            {
                _root = $"http://127.0.0.1:{Random.Shared.Next(20_000, 60_000)}/";
                try
                {
                    _listener.Prefixes.Clear();
                    _listener.Prefixes.Add(_root);
                    _listener.Start();
                    break;
                }
                catch (HttpListenerException) when (tries < 20) { }
            }
            _ = Task.Run(() => Serve(package, severity));
        }

        public string Address => _root + "index.json";

        public void Dispose() => _listener.Close();

        private void Serve(string package, int severity)
        {
            while (_listener.IsListening)
            {
                HttpListenerContext context;
                try
                {
                    context = _listener.GetContext();
                }
                catch (Exception problem) when (problem is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }
                var answer = context.Request.Url!.AbsolutePath switch
                {
                    "/index.json" =>
                        $$"""{"version":"3.0.0","resources":[{"@id":"{{_root}}list.json","@type":"VulnerabilityInfo/6.7.0"}]}""",
                    "/list.json" => $$"""[{"@name":"base","@id":"{{_root}}base.json","@updated":"2026-01-01T00:00:00Z","comment":""}]""",
                    _ => $$"""{"{{package}}":[{"severity":{{severity}},"url":"https://example.org/advisory","versions":"[0.0.1,)"}]}""",
                };
                var bytes = Encoding.UTF8.GetBytes(answer);
                context.Response.ContentType = "application/json";
                context.Response.OutputStream.Write(bytes);
                context.Response.Close();
            }
        }
    }
}
